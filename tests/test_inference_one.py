"""Tests of one difference (lossctl.analyses.inference) against SciPy, statsmodels and arch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from lossctl.analyses.inference import (
    bootstrap,
    clusters,
    corrections,
    paired,
    power,
    serial,
    signflip,
    wilcoxon,
)
from lossctl.analyses.inference.ranks import midranks
from lossctl.errors import UsageError
from lossctl.student import t_quantile

NEAR = 1e-9
HUGE, TINY = 1e150, 1e-150


def near(value: object) -> object:
    return pytest.approx(value, rel=NEAR, abs=0.0)


def samples(count: int = 30, least: int = 2, most: int = 60) -> Iterator[np.ndarray]:
    """Differences of many shapes: smooth, heavy tailed, whole numbers with ties and zeros."""
    rng = np.random.default_rng(2024)
    for index in range(count):
        n = int(rng.integers(least, most + 1))
        made = [
            rng.normal(0.3, 1.0, n), rng.standard_t(2, n) ** 2 - 2.0, rng.integers(-3, 5, n) * 1.0,
        ][index % 3]  # fmt: skip
        yield made if made.min() < made.max() else made + np.arange(n)


# --- t, sides, rates --------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_t_test_is_scipys(confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for d in samples(12):
        found, want = paired.paired(d, confidence), stats.ttest_1samp(d, 0.0)
        interval = want.confidence_interval(confidence)
        assert found.test is not None
        assert (found.mean, found.sd) == (near(d.mean()), near(d.std(ddof=1)))
        assert (found.test.t, found.test.p) == (near(want.statistic), near(want.pvalue))
        assert found.test.low == pytest.approx(interval.low, rel=NEAR, abs=NEAR)
        assert found.test.high == pytest.approx(interval.high, rel=NEAR, abs=NEAR)
        assert found.effect == near(d.mean() / d.std(ddof=1))


@pytest.mark.parametrize("scale", [HUGE, TINY, 2.0**-1000, -1.0])
def test_the_unit_of_differences_plays_no_part(scale: float) -> None:
    for d in samples(6, least=30):
        plain, scaled = paired.paired(d), paired.paired(d * scale)
        assert plain.test is not None and scaled.test is not None
        assert scaled.test.p == near(plain.test.p)
        assert scaled.sd == near(plain.sd * abs(scale))
        one, other = serial.autocorrelated(d), serial.autocorrelated(d * scale)
        assert (other.lag1, other.p) == (near(one.lag1), near(one.p))
        assert other.understated == near(one.understated)
        assert signflip.sign_flip(d * scale) == signflip.sign_flip(d)
        assert wilcoxon.signed_rank(d * scale) == wilcoxon.signed_rank(d)
        codes = np.arange(d.size) // 3
        first, second = clusters.clustered(d, codes), clusters.clustered(d * scale, codes)
        assert first.test is not None and second.test is not None
        assert (second.test.p, second.effect) == (near(first.test.p), near(first.effect))


@pytest.mark.parametrize("d", [[0.1] * 7, [0.0, 0.0], [HUGE] * 3, [-TINY] * 3])
def test_where_nothing_varies_nothing_is_tested(d: list[float]) -> None:
    values = np.array(d)
    found = paired.paired(values)
    assert (found.mean, found.sd, found.effect) == (d[0], 0.0, None)
    assert found.test == paired.MeanTest(d[0], 0.0, len(d) - 1, None, None, None, None)
    assert serial.autocorrelated(values) == serial.Serial(None, None, None)
    assert serial.block_length(np.full(50, d[0])) is None
    clustered = clusters.clustered(values, [1] * (len(d) - 1) + [2])
    assert clustered.test == paired.MeanTest(d[0], 0.0, 1, None, None, None, None)
    assert clustered.effect is None
    drawn = bootstrap.bootstrap(values[:, np.newaxis], lambda sums: sums[:, 0], replicates=20)
    assert drawn.bca is None


def test_one_row_and_two() -> None:
    assert paired.paired(np.array([3.0])) == paired.Paired(1, 3.0, None, None, None)
    two = paired.paired(np.array([1.0, 3.0])).test
    assert two is not None
    assert (two.t, two.p) == (near(2.0), near(1.0 - 2.0 / math.pi * math.atan(2.0)))


def test_sides_and_wilson() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    assert paired.sides(np.array([1.0, 0.0, -2.0, 3.0, -0.0])) == paired.Sides(2, 2, 1)
    for count, n in [(0, 1), (1, 1), (0, 40), (13, 15), (40, 40), (400, 1000), (7, 10**7)]:
        for confidence in (0.8, 0.95, 0.999):
            found = paired.wilson(count, n, confidence)
            want = proportion.proportion_confint(count, n, 1.0 - confidence, "wilson")
            assert found.rate == count / n
            assert (found.low, found.high) == pytest.approx(want, rel=1e-8, abs=1e-12)
    for confidence in (0.5, 0.9, 0.99, 0.999):
        for n in range(1, 300):
            ends = paired.wilson(0, n, confidence).low, paired.wilson(n, n, confidence).high
            assert ends == (0.0, 1.0)


# --- power ------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [1, 2, 3, 9, 30, 400, 30_000, 1_000_000])
def test_the_noncentral_t_is_scipys(degrees: int) -> None:
    special = pytest.importorskip("scipy.special")
    for t in (-12.7, -2.0, 0.0, 0.5, 2.0, 12.7, 636.6):
        for shift in (0.0, 0.5, 2.8, 15.0):
            found = power.noncentral_t(t, degrees, shift)
            want = float(special.nctdtr(degrees, shift, t))
            assert 0.0 <= found <= 1.0
            if math.isnan(want):  # SciPy gives up far out
                assert min(found, 1.0 - found) < 1e-6
            else:
                assert found == pytest.approx(want, abs=NEAR)


@pytest.mark.parametrize("n", [2, 3, 15, 100, 2000])
def test_the_detectable_difference_has_that_power(n: int) -> None:
    peer = pytest.importorskip("statsmodels.stats.power").TTestPower()
    for confidence, wanted in [(0.95, 0.8), (0.99, 0.5), (0.9, 0.95)]:
        found = power.detectable_t(3.0, n, confidence, wanted)
        if n > 2:  # of one degree the peer knows only some
            assert peer.power(found / 3.0, n, 1.0 - confidence) == pytest.approx(wanted, abs=NEAR)
        bound = t_quantile(0.5 + confidence / 2.0, n - 1)
        assert power.t_power(found / 3.0 * math.sqrt(n), bound, n - 1) == near(wanted)
        alone = power.detectable(3.0, n, confidence, wanted)
        assert alone < found
        assert power.rows_needed(3.0, -alone, confidence, wanted) == near(n)
    assert power.detectable(1.0, 1) == near(2.801585218112969)
    assert power.rows_needed(1.0, 0.0) == math.inf


def test_darwins_detectable_difference_is_more_exact_than_the_peers() -> None:
    """The case paired-darwin has 29.36597727, where the peer's search stops."""
    peer = pytest.importorskip("statsmodels.stats.power").TTestPower()
    sd = 37.7443783262898
    ours, theirs = power.detectable_t(sd, 15), 29.36597727027153
    misses = [abs(peer.power(one / sd, 15, 0.05) - 0.8) for one in (ours, theirs)]
    assert misses[0] < 1e-12 < 1e-8 < misses[1]


# --- randomisation and ranks ------------------------------------------------------------------


def flipped(d: np.ndarray) -> float:
    """By trying all signs."""
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=d.size)))
    return float((np.abs(signs @ d) >= abs(d.sum()) - 1e-9).mean())


def test_sign_flips_of_few_rows_are_all_tried() -> None:
    stats = pytest.importorskip("scipy.stats")
    for d in samples(12, most=10):
        found = signflip.sign_flip(d)
        assert (found.p, found.exact) == (flipped(d), True)
        assert found.flips == 2 ** int((d != 0.0).sum())
    for d in samples(6, most=10):
        peer = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
        )
        assert signflip.sign_flip(d).p == near(peer.pvalue)


def test_sign_flips_of_nothing_and_of_ties() -> None:
    assert signflip.sign_flip(np.zeros(30)) == signflip.SignFlip(1.0, True, 1)
    assert signflip.sign_flip(np.array([2.0])).p == 1.0
    # All the same: only all + and all - are as far. Sums in other orders are rounded otherwise.
    assert signflip.sign_flip(np.r_[np.full(20, 0.1), np.zeros(9)]).p == 2.0**-19
    assert signflip.sign_flip(np.array([0.1, 0.2, 0.3])).p == 0.25
    assert signflip.sign_flip(np.array([0.1, 0.2, -0.3])).p == 1.0


def test_drawn_sign_flips() -> None:
    rng = np.random.default_rng(5)
    d = rng.normal(0.25, 1.0, 100)
    found = signflip.sign_flip(d, flips=20_000, seed=3)
    test = paired.paired(d).test
    assert test is not None and test.p is not None
    assert (found.exact, found.flips) == (False, 20_000)
    assert found.p == pytest.approx(test.p, abs=4.0 * math.sqrt(test.p / 20_000) + 0.002)
    for same in (rng.permutation(d), np.sort(d), -d, np.r_[d, 0.0]):
        assert signflip.sign_flip(same, flips=20_000, seed=3) == found
    assert signflip.sign_flip(d, flips=20_000, seed=4) != found
    # No pattern of 21 equal signs among a few thousand: then b is 0.
    assert signflip.sign_flip(np.full(64, 0.1), flips=999).p == 1.0 / 1000.0


def test_drawn_sign_flips_do_not_depend_on_the_memory_they_get(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    d = np.random.default_rng(6).normal(0.2, 1.0, 130)
    told: list[int] = []
    whole = signflip.sign_flip(d, flips=1000)
    monkeypatch.setattr(signflip, "_CELLS", 130 * 7)
    assert signflip.sign_flip(d, flips=1000, progress=told.append) == whole
    assert told == [*range(7, 1000, 7), 1000]


def test_wilcoxon_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    kinds = set()
    for d in [*samples(45, most=20), *samples(15, least=45, most=120)]:
        found, want = wilcoxon.signed_rank(d), stats.wilcoxon(d)
        assert found.statistic == want.statistic
        assert found.p == near(want.pvalue)
        kinds.add((found.exact, found.used < d.size, d.size > 50))
    assert kinds >= {(True, False, False), (True, True, False), (False, True, False),
                     (False, False, True)}  # fmt: skip
    assert wilcoxon.signed_rank(np.zeros(8)) == wilcoxon.SignedRank(0.0, None, True, 0)
    assert wilcoxon.signed_rank(np.arange(1.0, 51.0)).p == 2.0**-49


def test_midranks_are_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    for d in samples(9):
        ranks, counts = midranks(d)
        assert ranks.tolist() == stats.rankdata(d).tolist()
        assert counts.sum() == d.size


# --- bootstrap --------------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_bootstrap_intervals_are_scipys(confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for seed, d in enumerate(samples(6, least=8, most=40)):
        found = bootstrap.bootstrap(
            d[:, np.newaxis], lambda sums, n=d.size: sums[:, 0] / n, replicates=500,
            confidence=confidence, seed=seed,
        )  # fmt: skip
        for method in ("percentile", "BCa"):
            want = stats.bootstrap(
                (d,), np.mean, n_resamples=500, confidence_level=confidence, method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval  # fmt: skip
            ours = found.bca if method == "BCa" else found.percentile
            assert ours == pytest.approx((want.low, want.high), rel=NEAR, abs=NEAR)


def test_bootstrap_of_a_ratio_of_sums_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(8)
    a, b = rng.exponential(1.0, 30), rng.exponential(2.0, 30)
    found = bootstrap.bootstrap(
        np.column_stack([a, b]), lambda sums: np.sqrt(sums[:, 0] / sums[:, 1]), replicates=999
    )
    want = stats.bootstrap(
        (a, b), lambda x, y, axis: np.sqrt(x.sum(axis) / y.sum(axis)), paired=True,
        vectorized=True, n_resamples=999, method="BCa", rng=np.random.default_rng(0),
    )  # fmt: skip
    interval = want.confidence_interval
    assert found.bca == pytest.approx((interval.low, interval.high), rel=NEAR)
    assert found.replicates == pytest.approx(want.bootstrap_distribution, rel=NEAR)
    assert found.estimate == near(math.sqrt(a.sum() / b.sum()))
    alike = bootstrap.bootstrap(
        np.column_stack([a, a]), lambda sums: sums[:, 0] / sums[:, 1], replicates=99
    )
    assert (alike.percentile, alike.bca) == ((1.0, 1.0), None)


def test_bootstrap_without_an_answer() -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bootstrap.bootstrap(
            np.array([[1.0, 0.0], [2.0, 1.0]]), lambda sums: sums[:, 0] / sums[:, 1], replicates=99
        )
    assert (found.estimate, found.percentile, found.bca) == (3.0, None, None)
    one = bootstrap.bootstrap(np.ones((1, 1)), lambda sums: sums[:, 0], replicates=9)
    assert (one.estimate, one.percentile, one.bca) == (1.0, (1.0, 1.0), None)
    # Every replicate lies below the estimate.
    d = np.random.default_rng(2).normal(size=(20, 1))
    peak = bootstrap.bootstrap(d, lambda sums: -np.abs(sums[:, 0] - d.sum()), replicates=99)
    assert peak.percentile is not None
    assert (peak.bias, peak.bca) == (None, None)


def test_bootstrap_does_not_depend_on_the_memory_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.random.default_rng(1).normal(size=(37, 3))
    told: list[int] = []
    whole = bootstrap.bootstrap(columns, lambda sums: sums[:, 1], replicates=200)
    monkeypatch.setattr(bootstrap, "_CELLS", 37 * 16)
    parts = bootstrap.bootstrap(
        columns, lambda sums: sums[:, 1], replicates=200, progress=told.append
    )
    assert parts.replicates == pytest.approx(whole.replicates, rel=1e-12)
    assert told == [*range(16, 200, 16), 200]


def test_sums_without_a_row_lose_nothing() -> None:
    columns = np.array([[1.0], [1e17], [2.0], [3.0]])
    assert bootstrap.sums_without(columns)[1, 0] == 6.0
    assert bootstrap.sums_without(np.ones((1, 2))).tolist() == [[0.0, 0.0]]
    many = np.random.default_rng(3).normal(size=(50, 4))
    assert bootstrap.sums_without(many) == pytest.approx(many.sum(axis=0) - many, rel=1e-9)


# --- rows in order ----------------------------------------------------------------------------


def series(count: int = 24) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(77)
    for index in range(count):
        n = int(rng.integers(11, 400))
        rho = [0.0, 0.4, 0.9, -0.5, 1.0][index % 5]
        x = rng.standard_t(4, n)
        for row in range(1, n):
            x[row] += rho * x[row - 1]
        yield x


def test_block_lengths_are_archs() -> None:
    arch = pytest.importorskip("arch.bootstrap")
    for x in series():
        found, want = serial.block_length(x), arch.optimal_block_length(x).iloc[0]
        assert found is not None
        assert (found.stationary, found.circular) == (near(want.stationary), near(want.circular))
    assert serial.block_length(np.arange(10.0)) is None
    # Whose long-run variance is exactly 0: then the longest there is.
    still = [2.0, -2, -1, 3, -3, 0, 2, 3, -3, 3, -3, 3, -2, -2, -2, 2]
    assert serial.block_length(np.array(still)) == serial.BlockLength(6.0, 6.0)


def test_diebold_mariano_is_statsmodels() -> None:
    stattools = pytest.importorskip("statsmodels.tsa.stattools")
    for x in series(12):
        y, first = np.zeros_like(x), np.sqrt(np.abs(x)) * (x > 0)
        second = np.sqrt(np.abs(x)) * (x < 0)
        for horizon in (1, 2, 5):
            peer = stattools.diebold_mariano_test(
                y, first, second, lags=horizon - 1, horizon=horizon, harvey_adj=True
            )
            found = serial.diebold_mariano(first**2 - second**2, horizon).test
            assert found is not None
            assert (found.t, found.p) == (near(peer.statistic), near(peer.pvalue))


def test_diebold_mariano_one_step_ahead_is_the_t_test() -> None:
    for d in samples(9):
        found, want = serial.diebold_mariano(d), paired.paired(d).test
        assert found.test is not None and want is not None
        assert (found.test.t, found.test.p) == (near(want.t), near(want.p))
        assert (found.test.low, found.test.high) == pytest.approx((want.low, want.high), rel=1e-9)


def test_the_rectangular_kernel() -> None:
    x = next(series(1))
    g = serial.autocovariances(x, 3)
    assert serial.long_run_variance(x, 2, "rectangular") == near(g[0] + 2 * (g[1] + g[2]))
    assert serial.long_run_variance(x, 2) == near(g[0] + 2 * (2 / 3 * g[1] + g[2] / 3))
    alternating = np.tile([1.0, -1.0], 10) + 0.1
    assert serial.diebold_mariano(alternating, 2, "rectangular").test is None
    for horizon in (0, 20):
        with pytest.raises(UsageError, match="horizon"):
            serial.diebold_mariano(alternating, horizon)


def test_long_run_variance_is_that_of_newey_and_west() -> None:
    api = pytest.importorskip("statsmodels.api")
    for x in series(6):
        fit = api.OLS(x, np.ones_like(x)).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
        assert serial.long_run_variance(x, 4) / x.size == near(fit.bse[0] ** 2)
        both = serial.long_run_covariance(np.column_stack([x, x * 2.0, x[::-1]]), 4)
        assert both[0, 0] == near(serial.long_run_variance(x, 4))
        assert both[0, 1] == near(2.0 * both[0, 0])
        assert both[0, 2] == pytest.approx(both[2, 0], rel=1e-9)
        total = serial.long_run_variance(x + x[::-1], 4)
        assert both[0, 0] + 2.0 * both[0, 2] + both[2, 2] == near(total)


def test_the_test_of_dependence_is_its_formula() -> None:
    chi2 = pytest.importorskip("scipy.stats").chi2
    larger = set()
    for x in [*series(6), *(d for d in samples(12, least=40) if np.unique(d).size > 20)]:
        if x.size < 30:
            continue
        left, n = x - x.mean(), x.size
        ranks = midranks(x)[0] - (n + 1) / 2.0
        squares = [0.0, 0.0]
        for lag in range(1, 5):
            pairs = np.array([left[row] * left[row - lag] for row in range(lag, n)])
            mean = left.var() * (n - lag) / n
            squares[0] += (pairs.sum() + mean) ** 2 / np.square(pairs).sum()
            pairs = np.array([ranks[row] * ranks[row - lag] for row in range(lag, n)])
            mean = ranks.var() * (n - lag) / n
            squares[1] += (pairs.sum() + mean) ** 2 / (ranks.var() ** 2 * (n - lag))
        want = [float(chi2.sf(one, 4)) for one in squares]
        assert serial.autocorrelated(x).p == near(max(want))
        assert serial.autocorrelated(x).lag1 == near(left[1:] @ left[:-1] / (left @ left))
        larger.add(want[0] > want[1])
    assert larger == {True, False}


def test_dependence_is_seen_and_independence_is_not_accused() -> None:
    rng = np.random.default_rng(12)
    accused = 0
    for index in range(300):
        n = (100, 1000)[index % 2]
        d = rng.normal(size=n) if index % 4 < 2 else np.subtract(*(rng.standard_t(3, (2, n)) ** 2))
        found = serial.autocorrelated(d)
        assert found.p is not None
        accused += found.p < 0.01
    assert accused <= 8  # 3 are expected
    seen = 0
    for _ in range(50):
        x = rng.normal(size=500)
        for row in range(1, 500):
            x[row] += 0.3 * x[row - 1]
        found = serial.autocorrelated(x)
        assert found.p is not None and found.lag1 == pytest.approx(0.3, abs=0.2)
        assert found.understated == pytest.approx(math.sqrt(1.3 / 0.7), rel=0.4)
        seen += found.p < 0.01
    assert seen >= 47


def test_changing_variance_and_skewed_rows_are_not_dependence() -> None:
    rng = np.random.default_rng(13)
    for _ in range(20):
        spread = (rng.chisquare(1, 2000) - 1.0) * np.linspace(0.1, 3.0, 2000)
        skewed = np.exp(1.5 * rng.normal(size=2000))
        for d in (spread, skewed):
            p = serial.autocorrelated(d).p
            assert p is not None and p > 0.001


def test_few_rows_are_not_judged() -> None:
    d = np.arange(29.0)
    assert serial.autocorrelated(d).p is None
    assert serial.autocorrelated(d).lag1 is not None
    p = serial.autocorrelated(np.arange(30.0)).p
    assert p is not None and p < 1e-4
    assert serial.autocorrelated(d[:10]).understated is None
    assert serial.autocorrelated(d[:1]) == serial.Serial(None, None, None)


# --- clusters ---------------------------------------------------------------------------------


def test_clusters_are_those_of_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(31)
    for d in samples(15, least=8):
        codes = rng.integers(0, 6, d.size)
        groups = np.unique(codes).size
        fit = api.OLS(d, np.ones_like(d)).fit(
            cov_type="cluster", cov_kwds={"groups": codes}, use_t=True
        )
        found = clusters.clustered(d, codes)
        assert found.test is not None and found.plain_error is not None
        assert found.clusters == groups
        assert (found.test.error, found.test.t) == (near(fit.bse[0]), near(fit.tvalues[0]))
        assert found.test.p == near(fit.pvalues[0])
        assert (found.test.low, found.test.high) == pytest.approx(
            tuple(fit.conf_int()[0]), rel=NEAR, abs=NEAR
        )
        assert found.effect == near((fit.bse[0] / (d.std(ddof=1) / math.sqrt(d.size))) ** 2)


def test_clusters_of_one_row_and_one_cluster() -> None:
    d = np.array([1.0, 4.0, 2.0, -1.0])
    alone = clusters.clustered(d, ["a", "b", "c", "d"])
    want = paired.paired(d).test
    assert alone.test is not None and want is not None
    assert (alone.test.error, alone.test.p, alone.effect) == (
        near(want.error), near(want.p), near(1.0),
    )  # fmt: skip
    one = clusters.clustered(d, [7, 7, 7, 7])
    assert (one.clusters, one.test, one.effect, one.mean) == (1, None, None, 1.5)
    assert one.plain_error == near(want.error)
    # A large mean does not hide small differences.
    far = clusters.clustered(d * 1e-3 + 1e9, [1, 1, 2, 2])
    near_zero = clusters.clustered(d, [1, 1, 2, 2])
    assert far.test is not None and near_zero.test is not None
    assert far.test.error == pytest.approx(near_zero.test.error * 1e-3, rel=1e-3)


# --- corrections ------------------------------------------------------------------------------


@pytest.mark.parametrize("ours, theirs", [("holm", "holm"), ("fdr", "fdr_bh"),
                                          ("bonferroni", "bonferroni")])  # fmt: skip
def test_corrections_are_those_of_statsmodels(ours: str, theirs: str) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rng = np.random.default_rng(3)
    for count in (1, 2, 5, 30):
        p = np.round(rng.random(count) ** 3, 2).tolist()
        want = multitest.multipletests(p, method=theirs)[1]
        assert corrections.METHODS[ours](p) == pytest.approx(want.tolist(), rel=1e-12)
        holes = [None, *p[:1], None, *p[1:]]
        found = corrections.METHODS[ours](holes)
        assert [one for one in found if one is not None] == pytest.approx(want.tolist(), rel=1e-12)
        assert [one is None for one in found] == [one is None for one in holes]


def test_no_correction_and_no_tests() -> None:
    assert corrections.none([0.04, None]) == [0.04, None]
    for method in corrections.METHODS.values():
        assert method([]) == []
        assert method([None, None]) == [None, None]
