"""The arithmetic of advice against SciPy, NumPy and plain formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize, special, stats

import lossctl
from lossctl.analyses import significance
from lossctl.analyses.advice import (
    correction,
    efficiency,
    location,
    noise,
    probability,
    scale,
)
from lossctl.analyses.advice.evidence import Sampled, errors_of
from lossctl.analyses.advice.honest import gain
from lossctl.analyses.advice.rules.spread import breusch_pagan
from lossctl.errors import DataError, UsageError

FINITE = hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6, width=32))


# --- p-values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [1, 2, 4, 29, 441, 9_999, 300_000, 2_000_000])
@pytest.mark.parametrize("t", [0.0, 0.3, 2.1, 6.0, 12.0])
def test_student(t: float, degrees: int) -> None:
    want = 2.0 * float(special.stdtr(degrees, -t))
    rel = 1e-7 if degrees <= 1_000_000 else 1e-2  # where the normal one stands in
    assert significance.student_p(t, degrees) == pytest.approx(want, rel=rel, abs=1e-300)
    assert significance.student_p(-t, degrees) == significance.student_p(t, degrees)


@pytest.mark.parametrize(
    "a, b, x", [(2.0, 0.5, 0.3), (0.5, 8.0, 0.9), (500.0, 400.0, 0.5),
                                     (1.0, 1.0, 0.2), (30.0, 2.5, 0.99), (1.5, 2.0, 0.0)],
)  # fmt: skip
def test_incomplete_beta(a: float, b: float, x: float) -> None:
    want = float(special.betainc(a, b, x))
    assert significance.incomplete_beta(a, b, x) == pytest.approx(want, rel=1e-11)


@pytest.mark.parametrize("fewer, more", [(0, 0), (2, 2), (0, 5), (3, 9), (200, 242), (4000, 4321)])
def test_sign_test(fewer: int, more: int) -> None:
    want = stats.binomtest(fewer, fewer + more).pvalue if more else 1.0
    assert significance.sign_p(fewer, more) == pytest.approx(want, rel=1e-9)
    assert significance.sign_p(more, fewer) == significance.sign_p(fewer, more)


def test_sign_test_of_millions() -> None:
    want = stats.binomtest(1_000_000, 2_003_000).pvalue
    assert significance.sign_p(1_000_000, 1_003_000) == pytest.approx(want, rel=1e-3)


@pytest.mark.parametrize("statistic", [0.0, 0.5, 16.7, 200.0])
def test_chi_square(statistic: float) -> None:
    assert significance.chi_square_p(statistic) == pytest.approx(float(stats.chi2.sf(statistic, 1)))


# --- constants --------------------------------------------------------------------------------


@given(FINITE)
def test_mean_and_median(values: np.ndarray) -> None:
    assert location.mean(values) == pytest.approx(float(values.mean()), abs=1e-6)
    assert location.median(values) == pytest.approx(float(np.median(values)), abs=1e-9)


@given(FINITE, st.data())
def test_weights_are_repeated_rows(values: np.ndarray, data: st.DataObject) -> None:
    times = data.draw(hnp.arrays(np.int64, values.size, elements=st.integers(0, 3)))
    if not times.any():
        return
    weights, repeated = times.astype(np.float64), np.repeat(values, times)
    for of in (location.mean, location.median):
        assert of(values, weights) == pytest.approx(of(repeated), rel=1e-12, abs=1e-9)
    level = location.quantile(values, 0.3, weights)
    assert level == location.quantile(repeated, 0.3)
    assert location.expectile(values, 0.8, weights) == pytest.approx(
        location.expectile(repeated, 0.8), rel=1e-9, abs=1e-6
    )


@given(FINITE, st.sampled_from([0.1, 0.25, 0.5, 0.9]))
def test_no_value_beats_the_quantile(values: np.ndarray, level: float) -> None:
    def cost(c: float) -> float:
        e = values - c
        return float(np.maximum(level * e, (level - 1.0) * e).sum())

    best = cost(location.quantile(values, level))
    assert best <= min(cost(c) for c in values) * (1.0 + 1e-12) + 1e-9


def test_quantile_reads_its_level_as_a_decimal() -> None:
    """0.9 of ten rows is exactly nine: everything between the ninth and the tenth is as good."""
    assert location.quantile(np.arange(1.0, 11.0), 0.9) == 9.5


@given(FINITE, st.sampled_from([0.1, 0.5, 0.9]))
def test_expectile(values: np.ndarray, level: float) -> None:
    assert location.expectile(values, level) == pytest.approx(
        float(stats.expectile(values, level)), rel=1e-7, abs=1e-5
    )


@given(FINITE)
def test_robust_centres_are_least(values: np.ndarray) -> None:
    for found, cost in (
        (location.huber(values, 1.5), lambda c: special.huber(1.5, values - c).sum()),
        (location.log_cosh(values), lambda c: lossctl.losses.log_cosh(
            np.full(values.size, c), values).sum()),
        (location.fourth_power(values), lambda c: ((values - c) ** 4).sum()),
    ):  # fmt: skip
        best = cost(found)
        for step in (1e-3, 1.0, 100.0):
            assert best <= cost(found + step) * (1.0 + 1e-9) + 1e-9
            assert best <= cost(found - step) * (1.0 + 1e-9) + 1e-9


def test_best_constant_where_losses_are_not_defined() -> None:
    found = lossctl.stats.best_constant([-2.0, 0.0, 1.0])
    none = [name for name, value in found.items() if value is None]
    assert none == ["msle", "mape", "mspe", "poisson", "gamma"]
    assert lossctl.stats.best_constant([0.0, 0.0])["poisson"] is None
    assert lossctl.stats.best_constant([1e-200, 2e-200])["mspe"] == pytest.approx(1.2e-200)


@pytest.mark.parametrize("wrong", [{"y": []}, {"y": [1.0, math.nan]}, {"y": [1e101]}])
def test_best_constant_refuses_values(wrong: dict[str, list[float]]) -> None:
    with pytest.raises(DataError, match="y "):
        lossctl.stats.best_constant(**wrong)


@pytest.mark.parametrize("wrong", [{"tau": 0.0}, {"tau": 1.0}, {"delta": 0.0}])
def test_best_constant_refuses_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        lossctl.stats.best_constant([1.0], **wrong)


# --- corrections ------------------------------------------------------------------------------


def rows_of(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p = generator.gamma(3.0, 2.0, n)
    return 0.8 * p + 1.0 + generator.standard_t(4, n), p


def test_corrections_are_least_by_a_general_search() -> None:
    y, p = rows_of(1)
    found = lossctl.stats.best_correction(y, p)
    for name, cost in (
        ("shift_mse", lambda c: np.mean((p + c - y) ** 2)),
        ("shift_mae", lambda c: np.mean(np.abs(p + c - y))),
        ("scale_mse", lambda c: np.mean((p * c - y) ** 2)),
        ("scale_mae", lambda c: np.mean(np.abs(p * c - y))),
    ):
        kind, loss = name.split("_")
        best = optimize.minimize_scalar(cost, bracket=(-1.0, 1.0))
        assert found[f"{loss}_after_{kind}"] <= best.fun * (1.0 + 1e-12)
        assert cost(found[name]) == pytest.approx(found[f"{loss}_after_{kind}"], rel=1e-12)
    assert found["affine_mse"] == pytest.approx(np.polyfit(p, y, 1).tolist(), rel=1e-9)


def test_corrections_that_do_not_exist() -> None:
    nothing = lossctl.stats.best_correction([1.0, 2.0], [0.0, 0.0])
    assert nothing["scale_mse"] is nothing["scale_mae"] is nothing["mse_after_scale"] is None
    assert nothing["affine_mse"] is nothing["mse_after_affine"] is None
    assert nothing["shift_mse"] == 1.5
    with pytest.raises(DataError, match="y has 2 rows, p has 1"):
        lossctl.stats.best_correction([1.0, 2.0], [0.0])


def test_weighted_corrections_are_repeated_rows() -> None:
    y, p = rows_of(2, 40)
    times = np.random.default_rng(3).integers(0, 4, 40)
    more, other = np.repeat(y, times), np.repeat(p, times)
    for fits in correction.FITS.values():
        for fit in fits:
            left = fit(y, p, times.astype(np.float64))
            right = fit(more, other, np.ones(more.size))
            assert left is not None and right is not None
            assert (left.slope, left.offset) == pytest.approx((right.slope, right.offset), rel=1e-9)


def sampled(n: int, seed: int = 0, weight: np.ndarray | None = None) -> Sampled:
    even = np.random.default_rng(seed).random(n) < 0.5
    return Sampled(n, n, even, np.ones(n) if weight is None else weight, lambda row: f"#{row}")


def test_a_gain_is_scored_on_rows_that_did_not_choose() -> None:
    """A correction that knows its own rows by heart gains nothing elsewhere."""
    n = 400
    generator = np.random.default_rng(5)
    y = generator.normal(size=n)
    sample = sampled(n)

    def by_heart(fitted: np.ndarray, scored: np.ndarray) -> np.ndarray:
        return np.where(fitted[scored], 0.0, np.square(y[scored]))

    honest = gain(sample, np.square(y), by_heart)
    assert honest is not None and honest.crossed
    assert honest.after == pytest.approx(honest.before) and not honest.sure
    few = gain(sampled(99), np.square(y[:99]), lambda f, s: np.zeros(int(s.sum())))
    assert few is not None and not few.crossed


def test_the_error_of_a_gain_is_that_of_paired_differences() -> None:
    n = 150
    generator = np.random.default_rng(6)
    before, after = generator.random(n) + 1.0, generator.random(n)
    found = gain(sampled(n), before, lambda fitted, scored: after[scored])
    assert found is not None
    assert found.se == pytest.approx(float(stats.sem(before - after)), rel=1e-9)
    assert found.share == pytest.approx(1.0 - after.mean() / before.mean())


def test_rows_of_no_weight_do_not_count() -> None:
    n = 120
    weight = np.where(np.arange(n) < 110, 1.0, 0.0)
    before = np.where(weight > 0.0, 1.0, 1e9)
    found = gain(sampled(n, weight=weight), before, lambda fitted, scored: 0.5 * before[scored])
    assert found is not None and found.before == pytest.approx(1.0)


# --- what predictions aim at ------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(2, 60))
def test_implied_functional(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    y, p = generator.normal(size=n), generator.normal(size=n).round(1)
    y[: n // 4] = p[: n // 4]
    found = lossctl.stats.implied_functional(y, p)
    r = p - y
    assert found["implied_quantile_level"] == pytest.approx(np.mean((r > 0) + 0.5 * (r == 0)))
    level = np.maximum(r, 0).sum() / np.abs(r).sum()
    assert found["implied_expectile_level"] == pytest.approx(level)
    assert found["mean_test_pvalue"] == pytest.approx(stats.ttest_1samp(r, 0.0).pvalue, rel=1e-7)
    above, below = int((r < 0).sum()), int((r > 0).sum())
    assert found["median_test_pvalue"] == pytest.approx(
        stats.binomtest(above, above + below).pvalue if above + below else 1.0
    )
    influence = np.maximum(r, 0) - level * np.abs(r)
    error = np.sqrt(np.mean(influence**2) / n) / np.mean(np.abs(r))
    assert found["expectile_level_se"] == pytest.approx(error)


def test_implied_functional_at_its_edges() -> None:
    exact = lossctl.stats.implied_functional([1.0, 2.0], [1.0, 2.0])
    assert exact["implied_expectile_level"] is None and exact["mean_test_pvalue"] == 1.0
    shifted = lossctl.stats.implied_functional([1.0, 2.0], [2.0, 3.0])
    assert shifted["mean_test_pvalue"] == 0.0
    assert lossctl.stats.implied_functional([1.0], [2.0])["mean_test_pvalue"] is None


def test_breusch_pagan_is_n_times_r_squared() -> None:
    y, p = rows_of(7)
    square = (p - y) ** 2
    slope = stats.linregress(p, square)
    assert breusch_pagan(square, p) == pytest.approx(200 * slope.rvalue**2)
    assert breusch_pagan(square, np.ones(200)) == 0.0


# --- efficiency -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, want",
    [("norm()", (1.0, math.pi / 2, 1.05263, 1.07473)), ("laplace()", (2.0, 1.0, 1.42295, 1.31735)),
     ("t(3)", (3.0, 1.85055, 1.55646, 1.53470)),
     ("t(df=3, scale=2)", (12.0, 7.40220, None, None)),
     ("cauchy()", (math.inf, math.pi**2 / 4, None, None))],
)  # fmt: skip
def test_efficiency_of_densities(text: str, want: tuple[float | None, ...]) -> None:
    found = lossctl.stats.loss_efficiency(text)
    for name, value in zip(("mse", "mae", "huber", "logcosh"), want, strict=True):
        if value is not None:
            assert found[name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("wrong", ["norm", "no_such()", "t(x)", "t()", "norm(0, -1)", "binom(2)"])
def test_no_such_distribution(wrong: str) -> None:
    with pytest.raises(UsageError, match="distribution"):
        lossctl.stats.loss_efficiency(wrong)


def test_efficiency_of_a_sample_approaches_that_of_its_density() -> None:
    errors = 7.0 * stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    found, want = (lossctl.stats.loss_efficiency(one) for one in (errors, "norm()"))
    for name in want:
        assert found[name] == pytest.approx(want[name], rel=0.02), name
    with pytest.raises(DataError, match="same"):
        lossctl.stats.loss_efficiency([1.0] * 20)


def test_a_sample_says_how_many_rows_are_saved() -> None:
    errors = stats.t.ppf((np.arange(5_000) + 0.5) / 5_000, 3)
    found = efficiency.of_sample(errors)
    assert found is not None and 0.3 < found.fewer("huber") < 0.5


def test_how_far_mean_and_median_are_apart() -> None:
    """In the standard error that theory has for Gaussian values: sd √((π/2 - 1) / n)."""
    r = np.random.default_rng(8).normal(0.0, 4.0, 5_000)
    found = errors_of(sampled(5_000), np.zeros(5_000), r)
    assert found is not None
    error = 4.0 * math.sqrt((math.pi / 2.0 - 1.0) / 5_000)
    assert found.apart() == pytest.approx((r.mean() - np.median(r)) / error, rel=0.05)


def test_robust_deviation_of_gaussian_values() -> None:
    errors = 4.0 * stats.norm.ppf((np.arange(9_999) + 0.5) / 9_999) + 100.0
    assert scale.robust_deviation(errors) == pytest.approx(4.0, rel=1e-3)
    assert scale.density_at_median(errors) == pytest.approx(stats.norm.pdf(0.0) / 4.0, rel=0.02)


# --- probabilities ----------------------------------------------------------------------------


def classes_of(seed: int, n: int = 2_000, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that are as likely as they say."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0.0, 2.0, (n, k))
    running = special.softmax(logits, axis=1).cumsum(axis=1)
    return logits, (running > generator.random((n, 1))).argmax(axis=1)


@pytest.mark.parametrize("heat", [0.5, 1.0, 3.0])
def test_temperature_is_least_by_a_general_search(heat: float) -> None:
    logits, label = classes_of(11)
    found = lossctl.stats.temperature(label, heat * logits)

    def cost(log_t: float) -> float:
        logs = special.log_softmax(heat * logits / math.exp(log_t), axis=1)
        return float(-logs[np.arange(label.size), label].mean())

    best = optimize.minimize_scalar(cost, bounds=(-4.0, 4.0), method="bounded")
    assert found["nll_after"] == pytest.approx(best.fun, rel=1e-9)
    assert found["T"] == pytest.approx(heat, rel=0.1)
    assert found["nll"] == pytest.approx(cost(0.0))


def test_temperature_of_labels_that_are_all_right_is_the_lowest() -> None:
    found = lossctl.stats.temperature([0, 1], [[1.0, 0.0], [0.0, 1.0]])
    assert found["T"] < 0.1 and found["nll_after"] < 1e-12


def test_the_shift_of_a_logit_makes_the_mean_probability_the_share() -> None:
    logits, label = classes_of(12, k=2)
    moved = logits + np.array([0.0, 1.3])
    shift = probability.logit_shift(moved, label, np.ones(label.size))
    after = special.softmax(probability.shifted(moved, shift), axis=1)[:, 1]
    assert after.mean() == pytest.approx(label.mean())
    assert shift == pytest.approx(-1.3, abs=0.2)


def test_smoothing_is_least_by_a_general_search() -> None:
    logits, label = classes_of(13)
    label = np.where(np.random.default_rng(1).random(label.size) < 0.2, 0, label)
    ones = np.ones(label.size)
    share = probability.smoothing(logits, label, ones)
    own = special.softmax(logits, axis=1)[np.arange(label.size), label]
    best = optimize.minimize_scalar(
        lambda a: -np.log((1.0 - a) * own + a / 4.0).mean(), bounds=(0.0, 1.0), method="bounded"
    )
    assert share == pytest.approx(best.x, abs=1e-4)
    assert probability.smoothing_once_more(logits, label, ones) > share
    mixed = probability.smoothed(logits, share)
    assert np.exp(mixed[np.arange(label.size), label]) == pytest.approx(
        (1.0 - share) * own + share / 4.0
    )


def test_noise_is_found_where_labels_are_random_and_nowhere_else() -> None:
    for seed in range(5):
        logits, label = classes_of(seed, 1_500)
        sharp = 3.0 * logits
        running = special.softmax(sharp, axis=1).cumsum(axis=1)
        generator = np.random.default_rng(seed + 100)
        label = (running > generator.random((1_500, 1))).argmax(axis=1)
        honest = noise.label_noise(sharp, label)
        hot = noise.label_noise(2.5 * sharp, label)
        assert honest is not None and hot is not None
        assert min(honest.p, hot.p) > 1e-3
        wrong = generator.random(1_500) < 0.05
        label[wrong] = generator.integers(0, 4, int(wrong.sum()))
        found = noise.label_noise(sharp, label)
        assert found is not None and found.p < 1e-9
        assert found.share == pytest.approx(0.05, abs=0.02)


def test_no_noise_where_a_label_is_impossible() -> None:
    with np.errstate(divide="ignore"):
        assert noise.label_noise(np.log([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0])) is None


# --- labels -----------------------------------------------------------------------------------


def test_label_issues_by_their_definition() -> None:
    logits, label = classes_of(21, 500)
    prob = special.softmax(logits, axis=1)
    found = lossctl.stats.label_issues(label, prob)
    thresholds = [prob[label == k, k].mean() for k in range(4)]
    assert found["thresholds"] == pytest.approx(thresholds)
    joint, issues = np.zeros((4, 4), dtype=int), []
    for row, own in enumerate(label):
        reached = [k for k in range(4) if prob[row, k] >= thresholds[k] - 1e-6]
        if reached:
            seems = max(reached, key=lambda k: prob[row, k])
            joint[own, seems] += 1
            if seems != own and prob[row].argmax() != given:
                issues.append(row)
    assert found["confident_joint"] == joint.tolist()
    assert found["issues"] == sorted(issues, key=lambda row: prob[row, label[row]])
    assert len(issues) > 10


def test_a_label_that_is_the_likeliest_class_is_no_issue() -> None:
    """Although only the other class reaches its threshold."""
    found = lossctl.stats.label_issues([0, 0, 1], [[0.95, 0.05], [0.6, 0.4], [0.7, 0.3]])
    assert found["thresholds"] == pytest.approx([0.775, 0.3])
    assert found["confident_joint"] == [[1, 1], [0, 1]] and found["issues"] == []


def test_a_class_without_rows() -> None:
    found = lossctl.stats.label_issues([0, 0], [[0.1, 0.0, 0.9], [0.6, 0.0, 0.4]])
    assert found["thresholds"][1:] == [None, None] and found["issues"] == []


@pytest.mark.parametrize(
    "label, prob",
    [([0, 2], [[0.5, 0.5], [0.5, 0.5]]), ([0.5, 0], [[0.5, 0.5], [0.5, 0.5]]),
     ([0], [[0.5, 0.5], [0.5, 0.5]]), ([0, 1], [[1.5, -0.5], [0.5, 0.5]]),
     ([0, 1], [0.5, 0.5]), ([0, 1], [["a", "b"], ["c", "d"]])],
)  # fmt: skip
def test_label_issues_refuse(label: list[float], prob: list[object]) -> None:
    with pytest.raises(DataError):
        lossctl.stats.label_issues(label, prob)
