"""What is advised when: each rule speaks where its evidence was planted, and only there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

from lossctl.analyses.advice import functional
from lossctl.analyses.advice.advise import on_classes, on_errors
from lossctl.analyses.advice.classes import Classified, many_classes, two_classes
from lossctl.analyses.advice.evidence import Errors, Sampled, errors_of
from lossctl.analyses.advice.record import Advice
from lossctl.batch import Batch
from lossctl.stats.sample import answer

Data = tuple[np.ndarray, np.ndarray]
Random = np.random.Generator


def sampled(n: int, of: int | None = None) -> Sampled:
    even = np.random.default_rng(n).random(n) < 0.5
    return Sampled(n, of or n, even, np.ones(n), lambda row: f"#{row}")


def errors(data: Data, of: int | None = None) -> Errors:
    found = errors_of(sampled(data[0].size, of), *data)
    assert found is not None
    return found


def advised(data: Data, of: int | None = None) -> dict[str, Advice]:
    """By topic, the most valuable first."""
    y, p = data
    rows = np.arange(y.size)
    batch = Batch({"pred": p, "target": y}, frozenset(), None, rows, rows)
    found = on_errors(errors(data, of), answer(functional.rounds("pred"), batch))
    assert len({one.topic for one in found}) == len(found)
    for one in found:
        assert one.do and one.text and one.finding.endswith(".")
        assert "nan" not in one.text and "inf " not in one.text
    return {one.topic: one for one in found}


def about(n: int, seed: int) -> tuple[Random, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator, generator.normal(0.0, 3.0, n)


def honest(n: int = 1_000, seed: int = 0) -> Data:
    generator, p = about(n, seed)
    return p + generator.normal(0.0, 1.0, n), p


def moved(n: int = 1_000, seed: int = 0, by: float = 0.5) -> Data:
    y, p = honest(n, seed)
    return y, p + by


def stretched(n: int = 1_000, seed: int = 0) -> Data:
    y, p = honest(n, seed)
    return y, 1.3 * p


def laplace(n: int = 3_000, seed: int = 0) -> Data:
    generator, p = about(n, seed)
    return p + generator.laplace(0.0, 1.0, n), p


def heavy(n: int = 3_000, seed: int = 0) -> Data:
    generator, p = about(n, seed)
    return p + generator.standard_t(2, n), p


def exponential(centre: float, n: int = 2_000, seed: int = 0) -> Data:
    """Errors with a long tail above; predictions are `centre` above the least target."""
    generator, p = about(n, seed)
    return p + generator.exponential(1.0, n), p + centre


def counts(n: int = 2_000, seed: int = 0) -> Data:
    generator = np.random.default_rng(seed)
    p = generator.gamma(3.0, 4.0, n) + 0.5
    return generator.poisson(p).astype(np.float64), p


def relative(n: int = 2_000, seed: int = 0) -> Data:
    generator = np.random.default_rng(seed)
    p = generator.gamma(3.0, 4.0, n) + 1.0
    return generator.gamma(20.0, p / 20.0), p


def test_honest_errors_need_nothing() -> None:
    found = advised(honest())
    assert list(found) == ["loss"] and found["loss"].do == "mse"
    assert "symmetric" in found["loss"].text


# --- corrections ------------------------------------------------------------------------------


def test_a_shift_is_found_for_both_losses() -> None:
    one = advised(moved())["correction"]
    assert one.text.count("subtract 0.") == 2
    for loss in ("mse", "mae"):
        assert one.data[loss]["correction"] == "shift" and one.data[loss]["cross_fitted"]
        assert one.data[loss]["offset"] == pytest.approx(-0.5, abs=0.1)
    y, p = moved()
    rmse = [np.sqrt(np.mean((q - y) ** 2)) for q in (p, p + one.data["mse"]["offset"])]
    assert np.sqrt(one.data["mse"]["before"]) == pytest.approx(rmse[0])
    assert np.sqrt(one.data["mse"]["after"]) == pytest.approx(rmse[1], rel=0.01)
    assert f"rmse {rmse[0]:.4g} → " in one.text


def test_a_scale_is_found() -> None:
    one = advised(stretched())["correction"]
    assert one.data["mse"]["correction"] == "scale"
    assert one.data["mse"]["slope"] == pytest.approx(1.0 / 1.3, abs=0.03)
    assert "multiply by 0.7" in one.text


def test_a_line_is_found_where_neither_will_do() -> None:
    y, p = stretched()
    one = advised((y, p + 2.0))["correction"]
    assert one.data["mse"]["correction"] == "affine"
    slope, offset = np.polyfit(p + 2.0, y, 1)
    assert one.data["mse"]["slope"] == pytest.approx(slope)
    assert one.data["mse"]["offset"] == pytest.approx(offset)


def test_few_rows_are_corrected_in_sample_and_it_is_said() -> None:
    y, p = honest(60, 1)
    one = advised((y, p + 3.0))["correction"]
    assert "in sample: 60 rows are too few to halve" in one.text
    assert one.finding.endswith("in sample.") and not one.data["mse"]["cross_fitted"]


def test_a_useless_model_is_not_mended() -> None:
    y, p = honest()
    found = advised((y[::-1].copy(), p))
    assert next(iter(found)) == "constant" and "correction" not in found
    one = found["constant"]
    assert one.data["mse"]["constant"] == pytest.approx(y.mean())
    assert np.sqrt(one.data["mse"]["after"]) == pytest.approx(y.std(), rel=0.01)


def test_a_model_that_a_shift_mends_is_not_useless() -> None:
    y, p = honest()
    found = advised((y, p + 9.0))
    assert next(iter(found)) == "correction" and "constant" not in found


# --- which loss -------------------------------------------------------------------------------


def test_tails_without_variance() -> None:
    found = advised(heavy())
    one = found["tails"]
    assert one.data["khat"] > 0.5 and "infinite" in one.text and "loss" not in found
    y, p = heavy()
    r = np.abs(p - y - np.median(p - y))
    far = r > 3.5 * np.median(r) / 0.6745
    assert one.data["outliers"] == far.sum()
    assert one.data["share_mae"] == pytest.approx(np.abs(p - y)[far].sum() / np.abs(p - y).sum())


def test_the_tail_of_a_sample_needs_a_margin() -> None:
    """All rows are what they are; an index that chance can bring to 0.5 says nothing of more."""
    generator, p = about(20_000, 3)
    data = (p + generator.standard_t(4, p.size), p)
    index = advised(data)["tails"].data["khat"]
    length = int(3 * np.sqrt(p.size))
    assert 0.5 <= index < 0.5 + 2.0 * (1.0 + index) / np.sqrt(length)
    found = advised(data, of=1_000_000)
    assert "tails" not in found and found["loss"].do.startswith("huber")
    one = advised(heavy(20_000), of=1_000_000)["tails"]
    assert f"~{one.data['khat']:.2f}" in one.text
    assert one.data["khat"] - 2.0 * one.data["khat_se"] > 0.5


def test_a_few_wild_rows_come_first() -> None:
    y, p = honest()
    p[[7, 70, 700]] += [400.0, -300.0, 200.0]
    one = next(iter(advised((y, p)).values()))
    assert one.topic == "tails"
    assert one.finding.startswith("Look at #7 #70 #700 first: 3 rows make 100 %")


def test_wild_targets_do_not_shift_the_mean() -> None:
    """One number for no value moves the mean of all; what is best for it is good for few."""
    y, p = honest(3_000)
    y[np.random.default_rng(1).choice(3_000, 45, replace=False)] = -99.0
    errors = np.square(p - y)
    best = np.square(p - y - (p - y).mean())
    assert best.mean() < 0.99 * errors.mean()  # the shift would save more than is worth a word
    found = advised((y, p))
    assert found["tails"].data["khat"] > 0.5
    assert "correction" not in found or "mse" not in found["correction"].data


def test_a_shift_is_found_under_heavy_tails() -> None:
    y, p = heavy()
    found = advised((y, p + 3.0))
    assert found["tails"].data["khat"] > 0.5
    assert found["correction"].data["mse"]["offset"] == pytest.approx(-3.0, abs=0.3)
    assert found["correction"].data["mae"]["offset"] == pytest.approx(-3.0, abs=0.1)


def test_heavy_tails_need_fewer_rows_under_another_loss() -> None:
    one = advised(laplace())["loss"]
    assert one.do == "mae" and "% fewer rows than mse" in one.text
    assert "remember the loss" in one.text
    assert one.gain == pytest.approx(1.0 - one.data["mae"] / one.data["mse"])


def test_skewed_errors_ask_for_a_choice() -> None:
    found = advised(exponential(1.0))
    assert "skew" in found and "loss" not in found
    assert abs(found["skew"].data["apart"]) > 3.0


def test_predictions_that_are_means() -> None:
    one = advised(exponential(1.0))["aim"]
    assert one.do == "rmse" and "not like a median" in one.text
    assert "judge them by mse or rmse" in one.text


def test_predictions_that_are_medians() -> None:
    one = advised(exponential(np.log(2.0)))["aim"]
    assert one.do == "mae" and "judge them by mae" in one.text


def test_predictions_that_are_quantiles() -> None:
    y, p = honest(2_000)
    one = advised((y, p + 1.2816))["aim"]
    level = np.mean(y < p + 1.2816)
    assert one.do == f"pinball:quantile={level:.2g}" and 0.88 < level < 0.92


@pytest.mark.parametrize("by, where", [(3.0, "above"), (-3.0, "below"), (9.0, "above")])
def test_a_level_of_nearly_0_or_1_is_a_bias(by: float, where: str) -> None:
    y, p = honest(4_000)
    found = advised((y, p + by))
    one = found["aim"]
    assert f"lie {where} nearly all targets" in one.text and ": a bias" in one.finding
    assert "pinball" not in one.text + one.do and "correction" in found


def test_counts_ask_for_poisson() -> None:
    found = advised(counts())
    assert found["spread"].do == "poisson_deviance" and "as counts do" in found["spread"].text
    assert found["spread"].data["dispersion"] == pytest.approx(1.0, abs=0.1)
    assert "loss" not in found


def test_relative_errors_ask_for_gamma_or_tweedie() -> None:
    found = advised(relative())
    assert found["spread"].do == "gamma_deviance" and "zeros" not in found
    y, p = relative()
    y[:3] = 0.0
    found = advised((y, p))
    assert found["spread"].do == "tweedie_deviance:power=1.5"
    assert "3 of 2000 targets that are 0" in found["zeros"].text
    y[1:3] = 1.0
    one = advised((y, p))["zeros"]
    assert "1 of 2000 targets that is 0;" in one.text and " 1 target is 0;" in one.finding


def test_errors_that_grow_below_zero_are_left_alone() -> None:
    """No deviance is defined there."""
    y, p = relative()
    assert "spread" not in advised((y - 30.0, p - 30.0))


# --- settings ---------------------------------------------------------------------------------


def test_delta_is_in_the_unit_of_the_target() -> None:
    y, p = honest()
    one = advised((100.0 * y, 100.0 * p))["scale"]
    unit = 100.0 * np.median(np.abs(p - y - np.median(p - y))) / 0.6745
    assert one.do == f"huber:delta={1.345 * unit:.3g}"
    assert f"tukey_biweight:c={4.685 * unit:.3g}" in one.text
    assert "scale" not in advised((y, p))


@pytest.mark.parametrize("make", [honest, moved, laplace, heavy, counts, relative])
def test_advice_has_no_unit(make: Callable[..., Data]) -> None:
    y, p = make()
    plain, scaled = advised((y, p)), advised((1024.0 * y, 1024.0 * p))
    for topic in set(plain) - {"scale", "spread"}:  # counts are not counts in another unit
        assert scaled[topic].topic == topic
    assert set(scaled) - set(plain) <= {"scale", "spread"}


def test_what_is_from_a_sample_is_marked() -> None:
    for one in advised(moved(), of=10_000_000).values():
        assert "~" in one.text, one.text


@pytest.mark.parametrize(
    "data",
    [([1.0], [1.0]), ([1.0, 2.0], [1.0, 2.0]), ([0.0] * 50, [0.0] * 50), ([0.0] * 200, [1.0] * 200),
     (range(200), [5.0] * 200), ([1.0] * 150, [1.0] * 149 + [3.0]), ([1e99] * 40, range(40))],
)  # fmt: skip
def test_degenerate_rows_raise_nothing(data: tuple[list[float], list[float]]) -> None:
    y, p = (np.array(one, dtype=np.float64) for one in data)
    advised((y, p))


def test_values_without_squares_are_refused() -> None:
    assert errors_of(sampled(1), np.array([1e200]), np.array([0.0])) is None


def test_honest_sets_raise_no_alarm() -> None:
    """Of many sets with nothing wrong, next to none is told to do anything."""
    alarms = 0
    for seed in range(300):
        found = advised(honest((150, 400, 1_000)[seed % 3], seed))
        alarms += any(topic not in ("loss", "scale") for topic in found)
        alarms += "loss" in found and found["loss"].do != "mse"
    assert alarms <= 6


# --- probabilities ----------------------------------------------------------------------------


def classified(logits: np.ndarray, label: np.ndarray) -> dict[str, Advice]:
    rows = Classified(sampled(label.size), logits, label, "abcdef".__getitem__)
    found = on_classes(rows)
    for one in found:
        assert one.do and "nan" not in one.text and one.finding.endswith(".")
    return {one.topic: one for one in found}


def drawn(seed: int = 0, n: int = 2_000, k: int = 3, sharp: float = 6.0) -> Data:
    generator = np.random.default_rng(seed)
    logits = sharp * generator.normal(size=(n, k))
    running = special.softmax(logits, axis=1).cumsum(axis=1)
    return logits, (running > generator.random((n, 1))).argmax(axis=1)


def test_honest_probabilities_need_nothing() -> None:
    alarms = 0
    for seed in range(100):
        found = classified(*drawn(seed, 500))
        alarms += any(one.topic != "labels" and one.do != "none" for one in found.values())
        alarms += "labels" in found and found["labels"].p is not None
    assert alarms <= 2
    one = classified(*drawn(0, 5_000))["correction"]
    assert one.do == "none" and one.text.startswith("keep the probabilities as they are")
    assert "labels" not in classified(*drawn(0, 3_000, sharp=2.0))  # many are unsure, none is wrong


@pytest.mark.parametrize("heat, why", [(0.4, "too timid"), (3.0, "too sure")])
def test_a_temperature(heat: float, why: str) -> None:
    logits, label = drawn()
    one = classified(heat * logits, label)["correction"]
    assert why in one.text and "divide the logits by" in one.do
    assert one.data["temperature"]["by"] == pytest.approx(heat, rel=0.15)


def test_no_temperature_without_a_mistake() -> None:
    """The lower it is, the better: there is no best one."""
    logits, _ = drawn()
    logits += 3.0 * np.eye(3)[logits.argmax(axis=1)]
    assert "correction" not in classified(logits, logits.argmax(axis=1))
    two = np.stack([np.zeros(400), np.repeat([-7.0, 7.0], 200)], axis=1)
    assert "correction" not in classified(two, two.argmax(axis=1))
    assert "correction" not in classified(two, np.ones(400, dtype=np.int64) * (two[:, 1] > 9.0))
    one_class = np.stack([np.zeros(400), np.full(400, 2.0)], axis=1)
    assert "correction" not in classified(one_class, np.ones(400, dtype=np.int64))


def test_a_shift_of_the_logit() -> None:
    logits, label = drawn(1, k=2, sharp=2.0)
    one = classified(logits + np.array([0.0, 1.0]), label)["correction"]
    assert one.do.startswith("subtract ") and one.do.endswith(" from the logit")
    assert one.data["shift"]["by"] == pytest.approx(-1.0, abs=0.2)
    assert f"{label.mean():.3g} of rows are positive" in one.text


def test_impossible_labels() -> None:
    logits, label = drawn(2)
    prob = special.softmax(logits, axis=1)
    prob[[5, 9]] = 0.0
    prob[[5, 9], (label[[5, 9]] + 1) % 3] = 1.0
    found = classified(many_classes(prob, from_logits=False), label)
    one = found["zeros"]
    assert "2 of 2000 rows (#5 #9) give their own class" in one.text and "correction" not in found
    assert one.data["after"] < one.data["before"]


def test_probabilities_worse_than_the_shares() -> None:
    logits, label = drawn(3)
    assert next(iter(classified(logits, np.random.default_rng(1).permutation(label)))) == "constant"


def test_wrong_labels() -> None:
    logits, label = drawn(4)
    wrong = np.random.default_rng(4).choice(label.size, 60, replace=False)
    label[wrong] = (label[wrong] + 1) % 3
    one = classified(logits, label)["labels"]
    assert "look drawn at random" in one.text and one.p is not None and one.p < 1e-9
    share = one.data["noise"]["share"] * 2.0 / 3.0  # a third of those drawn are right by chance
    assert f"so {100 * share:.2g} % wrong" in one.text
    assert one.finding.startswith(f"About {100 * share:.2g} % of labels look wrong, or ")
    assert {issue["row"] for issue in one.data["issues"]} <= {f"#{row}" for row in wrong}
    assert 100.0 * one.data["noise"]["share"] == pytest.approx(100.0 * 0.03 * 1.5, abs=1.5)
    first = one.data["issues"][0]
    assert first["label"] in "abc" and first["seems"] in "abc" and first["label"] != first["seems"]


def test_probabilities_that_a_temperature_mends_are_not_useless() -> None:
    logits, label = drawn(3, sharp=2.0)
    found = classified(20.0 * logits, label)
    assert next(iter(found)) == "correction" and "constant" not in found


def test_two_classes_from_one_column() -> None:
    p = np.array([0.0, 0.2, 1.0])
    assert np.exp(two_classes(p, from_logits=False)) == pytest.approx(np.stack([1.0 - p, p], 1))
    logit = np.array([-1.0, 0.0, 2.0])
    assert special.softmax(two_classes(logit, from_logits=True), axis=1)[:, 1] == pytest.approx(
        special.expit(logit)
    )
