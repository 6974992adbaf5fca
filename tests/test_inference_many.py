"""Many models at once, the topics of inference, and how their reference cases are compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lossctl
from lossctl import stats
from lossctl.analyses.inference import joint, ranking
from lossctl.errors import DataError, UsageError
from tests.reference.comparisons import compare

DRAWS = 20_000


def models(count: int, n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
    """Means, their covariance, and degrees of freedom, of models that share most of their noise."""
    rng = np.random.default_rng(seed)
    losses = rng.normal(size=(n, count)) * rng.uniform(0.2, 1.0, count) + rng.normal(size=(n, 1))
    losses += np.linspace(0.0, 0.5, count)
    return losses.mean(axis=0), np.cov(losses.T) / n, n - 1


def independent(count: int) -> joint.Joint:
    return joint.joint(np.zeros(count), np.eye(count), 20)


# --- joint draws ------------------------------------------------------------------------------


def test_draws_have_the_covariance_of_the_differences() -> None:
    values, covariance, _ = models(4)
    found = joint.joint(values, covariance, None)
    drawn = np.concatenate(list(found.noise(DRAWS, 1)))
    assert drawn.shape == (DRAWS, 4)
    for one in range(4):
        for other in range(one):
            want = covariance[one, one] + covariance[other, other] - 2 * covariance[one, other]
            assert found.spread[one, other] == pytest.approx(math.sqrt(want), rel=1e-9)
            spread = (drawn[:, one] - drawn[:, other]).std()
            assert spread == pytest.approx(math.sqrt(want), rel=0.02)


def test_draws_of_students_t_are_wider() -> None:
    values, covariance, _ = models(3)
    plain = np.concatenate(list(joint.joint(values, covariance, None).noise(DRAWS, 1)))
    wide = np.concatenate(list(joint.joint(values, covariance, 5).noise(DRAWS, 1)))
    assert (wide[:, 0] - wide[:, 1]).var() == pytest.approx(
        5 / 3 * (plain[:, 0] - plain[:, 1]).var(), rel=0.1
    )


def test_draws_do_not_depend_on_the_memory_they_get(monkeypatch: pytest.MonkeyPatch) -> None:
    found = joint.joint(*models(5))
    whole = np.concatenate(list(found.noise(1000, 3)))
    monkeypatch.setattr(joint, "_CELLS", 5 * 64)
    assert np.concatenate(list(found.noise(1000, 3))) == pytest.approx(whole, rel=1e-12)
    assert joint.largest(found, 1000, 3, [(4, [0, 1])])[0] == pytest.approx(
        (np.abs(whole[:, [0, 1]] - whole[:, [4]]) / found.spread[4, :2]).max(axis=1)
    )


def test_only_differences_matter() -> None:
    values, covariance, degrees = models(4)
    apart = np.eye(4) - np.eye(4)[:, [0]] @ np.ones((1, 4))  # minus the first
    plain = ranking.ranking(values, covariance, degrees, draws=2000)
    for other in (covariance + 5.0, apart.T @ covariance @ apart):
        again = ranking.ranking(values + 3.0, other, degrees, draws=2000)
        assert again.best == pytest.approx(plain.best, abs=1e-9)
        assert again.critical_pairs == pytest.approx(plain.critical_pairs, rel=1e-9)
        assert again.from_best.low == pytest.approx(plain.from_best.low, abs=1e-9)


@pytest.mark.parametrize("scale", [2.0**-498, 2.0**498])
def test_the_unit_plays_no_part(scale: float) -> None:
    values, covariance, degrees = models(4)
    plain = ranking.ranking(values, covariance, degrees, draws=2000)
    scaled = ranking.ranking(values * scale, covariance * scale * scale, degrees, draws=2000)
    assert scaled.best.tolist() == plain.best.tolist()
    assert scaled.from_reference.low == pytest.approx(plain.from_reference.low * scale, rel=1e-12)
    sets = [
        ranking.confidence_set(values * one, covariance * one * one, degrees, draws=2000)
        for one in (1.0, scale)
    ]
    assert sets[0].p.tolist() == sets[1].p.tolist()


def test_the_same_input_gives_the_same_digits() -> None:
    one, other = (ranking.ranking(*models(6), draws=500) for _ in range(2))
    assert one.best.tolist() == other.best.tolist()
    assert one.critical_pairs == other.critical_pairs
    assert ranking.ranking(*models(6), draws=500, seed=1).critical_pairs != one.critical_pairs


# --- the best, ranks, intervals ---------------------------------------------------------------


def test_the_probability_to_be_the_best_of_two() -> None:
    special = pytest.importorskip("scipy.special")
    for seed in range(4):
        values, covariance, degrees = models(2, n=12, seed=seed)
        found = joint.joint(values, covariance, degrees)
        best = ranking.best_probability(found, DRAWS)
        want = special.stdtr(degrees, (values[1] - values[0]) / found.spread[0, 1])
        assert best.sum() == pytest.approx(1.0, abs=1e-12)
        assert best[0] == pytest.approx(want, abs=4.0 * math.sqrt(0.25 / DRAWS))


def test_all_alike_are_the_best_alike() -> None:
    assert ranking.best_probability(independent(5), DRAWS) == pytest.approx([0.2] * 5, abs=0.012)
    far = joint.joint(np.array([0.0, 100.0]), np.eye(2), None)
    assert ranking.best_probability(far, 100).tolist() == [1.0, 0.0]


def test_identical_models_share_and_are_never_apart() -> None:
    values, covariance, degrees = models(3)
    twins = [0, 1, 1, 2, 0]
    many = values[twins], covariance[np.ix_(twins, twins)], degrees
    found = ranking.ranking(*many, reference=1, draws=2000)
    assert found.best[0] == found.best[4] > 0.0 and found.best[1] == found.best[2]
    assert found.best.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found.from_reference.low[2], found.from_reference.high[2]) == (0.0, 0.0)
    assert found.lowest[0] == found.lowest[4] and found.highest[1] == found.highest[2]
    members = ranking.confidence_set(*many, draws=2000)
    assert members.p[0] == members.p[4] and members.p[1] == members.p[2]
    nothing = ranking.ranking(np.ones(3), np.zeros((3, 3)), 9, draws=100)
    assert nothing.best == pytest.approx([1 / 3] * 3)
    assert (nothing.critical_pairs, nothing.highest.tolist()) == (0.0, [3, 3, 3])
    assert ranking.confidence_set(np.ones(3), np.zeros((3, 3)), 9, draws=100).included == [True] * 3


def test_models_a_constant_apart_are_certain() -> None:
    found = ranking.ranking(np.array([1.0, 0.0]), np.ones((2, 2)), 9, draws=100)
    assert found.best.tolist() == [0.0, 1.0]
    assert (found.lowest.tolist(), found.highest.tolist()) == ([2, 1], [2, 1])
    members = ranking.confidence_set(np.array([1.0, 0.0]), np.zeros((2, 2)), 9, draws=100)
    assert (members.order, members.p.tolist()) == ([0, 1], [1 / 101, 1.0])


def test_a_variance_that_rounding_leaves_makes_nothing_certain() -> None:
    covariance = np.array([[1.0, 1.0], [1.0, 1.0 + 4.4e-16]])
    found = ranking.ranking(np.array([0.0, 1e-7]), covariance, None, draws=100)
    assert (found.lowest.tolist(), found.highest.tolist()) == ([1, 1], [2, 2])
    found = ranking.ranking(np.array([0.0, 1e-6]), covariance, None, draws=100)
    assert found.lowest.tolist() == [1, 2]


def test_one_model() -> None:
    found = ranking.ranking(np.array([2.0]), np.array([[0.1]]), None, draws=10)
    assert (found.best.tolist(), found.lowest.tolist(), found.highest.tolist()) == ([1.0], [1], [1])
    assert ranking.confidence_set(np.array([2.0]), np.array([[0.1]]), 5).included == [True]


@pytest.mark.parametrize("count", [3, 6])
def test_all_pairs_of_independent_models_are_tukeys(count: int) -> None:
    tukey = pytest.importorskip("scipy.stats").studentized_range
    want = tukey.ppf(0.95, count, 20) / math.sqrt(2.0)
    assert ranking.critical_value(independent(count), 0.95, DRAWS) == pytest.approx(want, rel=0.015)


def test_contrasts_of_independent_models_are_dunnetts() -> None:
    # Dunnett (1964), two-sided, 20 degrees of freedom, 5 %: 2, 3 and 5 treatments
    for treatments, want in [(2, 2.38), (3, 2.54), (5, 2.73)]:
        found = ranking.critical_value(independent(treatments + 1), 0.95, DRAWS, 0, 0)
        assert found == pytest.approx(want, rel=0.015)


def test_one_contrast_is_students_t() -> None:
    special = pytest.importorskip("scipy.special")
    found = joint.joint(*models(2))
    want = pytest.approx(special.stdtrit(59, 0.975), rel=1e-9)
    assert ranking.critical_value(found) == want
    assert ranking.critical_value(found, reference=1) == want
    normal = joint.joint(*models(2)[:2], None)
    assert ranking.critical_value(normal) == pytest.approx(special.ndtri(0.975), rel=1e-9)


def test_intervals_and_ranks_are_those_of_the_critical_values() -> None:
    for seed in range(6):
        values, covariance, degrees = models(5, n=200, seed=seed)
        made = ranking.ranking(values, covariance, degrees, reference=2, draws=2000)
        spread = joint.joint(values, covariance, degrees).spread
        best = int(values.argmin())
        assert (made.from_reference.reference, made.from_best.reference) == (2, best)
        for one in range(5):
            half = made.critical_reference * spread[one, 2]
            assert made.from_reference.difference[one] == values[one] - values[2]
            assert made.from_reference.high[one] == values[one] - values[2] + half
            lower = values[one] - values[best] - made.critical_pairs * spread[one, best]
            assert made.from_best.low[one] == lower
            better = worse = 0
            for other in range(5):
                apart = values[one] - values[other]
                better += apart > made.critical_pairs * spread[one, other]
                worse += -apart > made.critical_pairs * spread[one, other]
            assert (made.lowest[one], made.highest[one]) == (1 + better, 5 - worse)


def test_simultaneous_intervals_hold_simultaneously() -> None:
    rng = np.random.default_rng(40)
    held = 0
    for _ in range(200):
        losses = rng.normal(size=(30, 4)) + rng.normal(size=(30, 1))
        made = ranking.ranking(losses.mean(axis=0), np.cov(losses.T) / 30, 29, draws=500)
        held += bool((made.lowest == 1).all() and (made.highest == 4).all())
    assert 178 <= held <= 199  # 190 are expected


# --- the model confidence set -----------------------------------------------------------------


def test_the_confidence_set_is_that_of_its_definition() -> None:
    for seed in range(5):
        values, covariance, degrees = models(5, n=300, seed=seed)
        made = ranking.confidence_set(values, covariance, degrees, 0.1, 1000, seed)
        found = joint.joint(values, covariance, degrees)
        noise = np.concatenate(list(found.noise(1000, seed)))
        left, most, expected = list(range(5)), 0.0, np.ones(5)
        while len(left) > 1:
            cells = np.ix_(left, left)
            spread = found.spread[cells] + np.eye(len(left))
            t = (values[left][:, np.newaxis] - values[left]) / spread
            drawn = np.abs(noise[:, left][:, :, np.newaxis] - noise[:, left][:, np.newaxis])
            beyond = ((drawn / spread).max(axis=(1, 2)) >= t.max() * (1 - 1e-12)).sum()
            most = max(most, (beyond + 1) / 1001)
            worst = left[int(t.max(axis=1).argmax())]
            expected[worst] = most
            left.remove(worst)
        assert made.p == pytest.approx(expected, abs=1e-12)
        assert made.order[-1] == left[0]
        assert made.included == (expected > 0.1).tolist()


def test_p_values_never_fall_from_one_model_to_the_next() -> None:
    values, covariance = np.array([0.0, 2.3, 2.31]), np.diag([0.0, 1.0, 1.0])
    both = ranking.confidence_set(values, covariance, None)
    one = ranking.confidence_set(values[:2], covariance[:2, :2], None)
    assert both.order == [2, 1, 0]
    assert one.p[1] == pytest.approx(0.0214, abs=0.005)
    assert both.p[1] == both.p[2] > one.p[1] + 0.01


def test_the_confidence_set_is_archs() -> None:
    mcs = pytest.importorskip("arch.bootstrap").MCS
    for seed in range(4):
        rng = np.random.default_rng(seed)
        losses = rng.normal(size=(150, 1)) + rng.normal(size=(150, 4)) * 0.5
        losses += [0.0, 0.02, 0.1, 0.3]
        peer = mcs(losses, 0.1, reps=1000, block_size=1, seed=seed)
        peer.compute()
        found = stats.model_confidence_set(losses, 0.1, 1)
        assert list(found["pvalues"]) == [str(one) for one in peer.pvalues.index]
        want = peer.pvalues.Pvalue.to_numpy()
        assert list(found["pvalues"].values()) == pytest.approx(want, abs=0.06)
        clear = np.abs(want - 0.1) > 0.06
        inside = [str(one) for one in found["included"]]
        for model, p, sure in zip(peer.pvalues.index, want, clear, strict=True):
            assert not sure or (str(model) in inside) == (p > 0.1)


# --- topics -----------------------------------------------------------------------------------


def test_paired_test_where_nothing_varies_and_of_many_rows() -> None:
    same = stats.paired_test([2.0, 2.0, 2.0])
    assert (same["mean"], same["sd"]) == (2.0, 0.0)
    assert same["sign_pvalue"] == pytest.approx(0.25, rel=1e-12)
    for key in ("t", "t_pvalue", "t_ci95", "cohens_dz", "mde_t_power80", "n_needed_z_for_mean",
                "bca_ci95_B99999"):  # fmt: skip
        assert same[key] is None
    zeros = stats.paired_test([0.0, 0.0])
    assert (zeros["wilcoxon_pvalue"], zeros["signflip_exact_pvalue"]) == (None, 1.0)
    d = np.random.default_rng(4).normal(size=40)
    many = stats.paired_test(d)
    assert many["signflip_exact_pvalue"] is None and 0.0 < many["signflip_pvalue"] < 1.0
    # Nothing in it is NaN, and all of it is JSON.
    for found in (same, zeros, many):
        flat = [x for v in found.values() for x in (v if isinstance(v, list) else [v])]
        assert all(one is None or math.isfinite(one) for one in flat)


def test_the_other_topics_at_their_edges() -> None:
    one = stats.cluster_se([1.0, 2.0, 4.0], ["a", "a", "a"])
    assert (one["se_cluster"], one["pvalue_t"], one["df"]) == (None, None, 0)
    assert stats.block_length([1.0] * 30) == {"stationary": None, "circular": None}
    assert stats.mcnemar(0, 0) == {"exact_pvalue": 1.0, "chi2_corrected": 0.0, "chi2_pvalue": 1.0}
    assert stats.mcnemar(4, 4)["chi2_corrected"] == 0.0
    same = stats.diebold_mariano([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert all("error" in one for one in same.values())
    assert stats.multiplicity([0.2]) == {"holm": [0.2], "fdr_bh": [0.2], "bonferroni": [0.2]}
    losses = np.random.default_rng(2).normal(size=(50, 2))
    long = stats.model_confidence_set(losses, 0.1, 5)
    assert sorted(long["pvalues"]) == ["0", "1"]
    assert long != stats.model_confidence_set(losses, 0.1, 1)


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: stats.paired_test([1.0]), DataError),
        (lambda: stats.paired_test([1.0, math.nan]), DataError),
        (lambda: stats.paired_test(np.zeros(20_001)), DataError),
        (lambda: stats.cluster_se([1.0, 2.0], [1]), DataError),
        (lambda: stats.cluster_se([1.0, 2.0], np.array([1, "a"], dtype=object)), DataError),
        (lambda: stats.diebold_mariano([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]), DataError),
        (lambda: stats.diebold_mariano([1.0] * 3, [1.0] * 3, [1.0] * 4), DataError),
        (lambda: stats.block_length([]), DataError),
        (lambda: stats.multiplicity([1.1]), DataError),
        (lambda: stats.mcnemar(-1, 2), UsageError),
        (lambda: stats.mcnemar(1.5, 2), UsageError),
        (lambda: stats.model_confidence_set([1.0, 2.0]), DataError),
        (lambda: stats.model_confidence_set([[1.0], [2.0]]), DataError),
        (lambda: stats.model_confidence_set([["a", "b"]]), DataError),
        (lambda: stats.model_confidence_set([[1.0, 2.0]] * 3, 1.0), UsageError),
        (lambda: stats.model_confidence_set([[1.0, 2.0]] * 3, 0.1, 3), UsageError),
    ],
)
def test_topics_refuse(call: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_topics_are_public() -> None:
    assert lossctl.stats.mcnemar(9, 21)["exact_pvalue"] == pytest.approx(0.0427739452570677)


# --- how reference cases are compared -----------------------------------------------------------


def holds(expected: object, got: object) -> bool:
    return all(one.holds for one in compare("", expected, got, 1e-9, 1e-9))


def test_tolerances_beside_a_value() -> None:
    expected = {"p_values": [0.5], "p_tol": 0.03, "ci": [0.0, 10.0], "other": 1.0,
                "ci_tol_relative_to_width": 0.03}  # fmt: skip
    assert holds(expected, {"p_values": [0.51], "ci": [0.2, 9.8], "other": 1.0})
    assert not holds(expected, {"p_values": [0.6], "ci": [0.2, 9.8], "other": 1.0})
    assert not holds(expected, {"p_values": [0.5], "ci": [0.4, 9.8], "other": 1.0})
    assert not holds(expected, {"p_values": [0.5], "ci": [0.2, 9.8], "other": 1.01})
    assert not holds(expected, {"p_values": [0.5], "ci": [0.2, 9.8]})


def test_an_expected_error() -> None:
    assert holds({"error": "its words"}, {"error": "other words"})
    assert not holds({"error": "its words"}, {"statistic": 1.0})
    assert not holds({"error": "its words"}, {"error": None})
