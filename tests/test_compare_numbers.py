"""The numbers of `compare`: against formulas, NumPy, SciPy, pandas, statsmodels and arch."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

import lossctl
from lossctl.analyses.comparison.gaps import WinsState
from lossctl.analyses.comparison.judged import Versus
from lossctl.analyses.comparison.measured import Apart
from tests import compared as own
from tests.compared import Found, Value, check, near
from tests.samples import SAMPLES, load

Array = np.ndarray[Any, Any]
# Losses of which a change relative to the value means nothing.
UNSCALED = ("r2", "explained_variance", "bias", "accuracy", "gaussian_nll", "qwk")


def weights(count: int, seed: int = 0) -> Array:
    """Some of them 0."""
    return np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 2.0, 3.5], count)


def errors(seed: int = 0, count: int = 90, models: int = 3) -> tuple[dict[str, Array], Array]:
    """Models whose errors go together, and targets above 0."""
    rng = np.random.default_rng(seed)
    target = rng.gamma(3.0, size=count) + 0.5
    common = rng.normal(size=count)
    preds = {f"m{k}": np.abs(target + 0.6 * common + (0.4 + 0.1 * k) * rng.normal(size=count)
                             + 0.05 * k) + 0.1 for k in range(models)}  # fmt: skip
    return preds, target


def difference(one: Value, other: Value) -> Array:
    return other.influence - one.influence


def checked(
    found: Found, values: dict[str, dict[str, Value]], weight: Array | None, **how: Any
) -> None:
    """Every loss of every model against the first, by the formulas: `values` by model and loss."""
    first, *others = values
    rows = None if weight is None else int(np.count_nonzero(weight))
    for spec, reference in values[first].items():
        assert found[spec, first]["difference"] is None
        for model in others:
            row, value = found[spec, model], values[model][spec]
            signed = row["value"] if not spec.startswith("bias") else abs(row["value"])
            assert signed == near(value.value), spec
            apart = difference(reference, value)
            check(
                row, reference, value, own.plain_error(apart, weight),
                rows=rows or len(apart), scaled=not spec.startswith(UNSCALED), **how,
            )  # fmt: skip


# --- every loss of every task -----------------------------------------------------------------


@pytest.mark.parametrize("task", own.TASKS)
def test_every_loss_of_every_task(task: str) -> None:
    data = own.sample(task)
    values = {name: data.formulas(pred, data.truth, None) for name, pred in data.preds.items()}
    losses = list(next(iter(values.values())))
    assert len(values) == 6
    checked(own.compare(data.files, data.target, losses, **data.how), values, None)


@pytest.mark.parametrize("task", own.TASKS)
def test_every_loss_of_every_task_weighted(task: str) -> None:
    data = own.sample(task)
    weight = weights(len(data.truth))
    values = {name: data.formulas(pred, data.truth, weight) for name, pred in data.preds.items()}
    losses = list(next(iter(values.values())))
    if data.target.endswith("csv") and task != "distribution":
        frame = pd.read_csv(data.target).assign(w=weight)
        found = own.compare(data.files, frame, losses, weight_col="w", **data.how)
    else:
        found = own.compare(data.preds, data.truth, losses, weight=weight, **data.how)
    checked(found, values, weight)


def test_a_column_of_weights_is_no_target_of_the_second_model() -> None:
    data = own.sample("distribution")
    weight = weights(len(data.truth))
    frame = pd.read_csv(data.target).assign(w=weight)
    first = next(iter(data.files.values()))
    alone = lossctl.evaluate(first, frame, ["kl"], weight_col="w", **data.how)
    found = own.compare(data.files, frame, ["kl"], weight_col="w", **data.how)
    assert found["kl", "model"]["value"] == alone["kl"].value


@pytest.mark.parametrize("weighted", [False, True])
def test_further_losses_of_random_rows(weighted: bool) -> None:
    preds, y = errors(3)
    w = weights(y.size, 4) if weighted else None
    train = np.cumsum(np.random.default_rng(5).normal(size=40))
    scale = np.abs(np.diff(train)).mean()

    def values(p: Array) -> dict[str, Value]:
        size, logs = np.abs(p - y), np.log1p(p) - np.log1p(y)
        return own.regression(p, y, w) | {
            "mape": own.mean(size / y, w),
            "smape": own.mean(2.0 * size / (p + y), w),
            "msle": own.mean(logs**2, w),
            "rmsle": own.root(own.mean(logs**2, w)),
            "mase": own.mean(size / scale, w),
            "poisson_deviance": own.mean(2.0 * (y * np.log(y / p) - y + p), w),
            "gamma_deviance": own.mean(2.0 * (np.log(p / y) + y / p - 1.0), w),
            "linex": own.mean(np.expm1(y - p) - (y - p), w),
            "cauchy:c=1": own.mean(np.log1p((p - y) ** 2) / 2.0, w),
        }

    made = {name: values(p) for name, p in preds.items()}
    made = {name: {spec: one for spec, one in each.items() if spec != "linex"}
            for name, each in made.items()}  # fmt: skip
    how = {} if w is None else {"weight": w}
    found = own.compare(preds, y, list(made["m0"]), roles={"train": train}, **how)
    checked(found, made, w)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999])
def test_the_mean_is_the_paired_t_test_at_any_confidence(confidence: float) -> None:
    preds, y = errors(6)
    found = own.compare(preds, y, ["mae", "mse"], confidence=confidence)
    for power, spec in ((1, "mae"), (2, "mse")):
        losses = {name: np.abs(p - y) ** power for name, p in preds.items()}
        for model in ("m1", "m2"):
            peer = stats.ttest_rel(losses[model], losses["m0"])
            row, ends = found[spec, model], peer.confidence_interval(confidence)
            assert row["p"] == near(peer.pvalue)
            assert (row["low"], row["high"]) == (near(ends.low, 1.0), near(ends.high, 1.0))
            d = losses[model] - losses["m0"]
            assert row["effect"] == near(d.mean() / d.std(ddof=1))
            assert stats.ttest_1samp(d, 0.0).pvalue == near(row["p"])


def test_sums_and_norms() -> None:
    preds, y = errors(7)
    made = {}
    for name, p in preds.items():
        size = np.abs(p - y)
        made[name] = {
            "mae:reduction=sum": own.total(size),
            "l1_norm": own.total(size),
            "l2_norm": own.root(own.total(size**2)),
        }
    checked(own.compare(preds, y, list(made["m0"])), made, None)


@pytest.mark.parametrize("weighted", [False, True])
def test_kappa_over_all_pairs(weighted: bool) -> None:
    rng = np.random.default_rng(8)
    y = rng.integers(0, 5, 80).astype(float)
    preds = {f"m{k}": np.clip(y + rng.integers(-1 - k, 2, 80), 0, 4) for k in range(3)}
    w = weights(80, 9) if weighted else None
    made = {name: {"qwk": own.kappa(p, y, w)} for name, p in preds.items()}
    assert sum(made["m1"]["qwk"].influence) == pytest.approx(0.0, abs=1e-14)
    how = {} if w is None else {"weight": w}
    checked(own.compare(preds, y, ["qwk"], task="multiclass", **how), made, w)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_several_outputs(weighted: bool, pooled: bool) -> None:
    rng = np.random.default_rng(10)
    y = rng.normal(size=(70, 3)) * [1.0, 5.0, 0.2]
    preds = {f"m{k}": y + rng.normal(size=(70, 3)) * [1.0, 3.0, 0.1] + [0.3, -k, 0.1]
             for k in range(3)}  # fmt: skip
    w = weights(70, 11) if weighted else None
    specs = ["mae", "rmse", "mse", "bias", "r2", "explained_variance"]

    def of(p: Array) -> dict[str, Value]:
        if pooled:
            error = p - y
            square = own.mean((error**2).mean(axis=1), w)
            return {"mae": own.mean(np.abs(error).mean(axis=1), w), "mse": square,
                    "rmse": own.root(square)}  # fmt: skip
        each = [own.regression(p[:, j], y[:, j], w) for j in range(3)]
        found = {spec: own.average([one[spec] for one in each]) for spec in specs}
        found["bias"] = own.mean((p - y).mean(axis=1), w).turned()
        return found

    made = {name: of(p) for name, p in preds.items()}
    how: dict[str, Any] = {"multioutput": "pooled"} if pooled else {}
    if w is not None:
        how["weight"] = w
    checked(own.compare(preds, y, list(made["m0"]), **how), made, w)


# --- rows of no weight, and rows that the divisor does not count ------------------------------


@pytest.mark.parametrize("how", [{}, {"test": "sign"}, {"test": "permutation"}])
def test_rows_of_weight_0_are_as_if_they_were_not_there(how: dict[str, Any]) -> None:
    preds, y = errors(12)
    w = weights(y.size, 13)
    kept = w > 0.0
    specs = ["mae", "rmse", "r2", "bias", "wape", "huber"]
    whole = own.compare(preds, y, specs, weight=w, **how)
    fewer = own.compare({name: p[kept] for name, p in preds.items()}, y[kept], specs,
                        weight=w[kept], **how)  # fmt: skip
    for key, row in fewer.rows.items():
        assert whole[key] | {"n": 0} == dict(row) | {"n": 0}, key


SUMS = ("mae:reduction=sum", "mae:reduction=sum_by_nonzero_weights", "l2_norm")


@pytest.mark.parametrize("spec", SUMS)
def test_rows_of_weight_0_are_as_if_they_were_not_there_in_sums(spec: str) -> None:
    preds, y = errors(12)
    w = weights(y.size, 13)
    kept = w > 0.0
    whole = own.compare(preds, y, [spec], weight=w)[spec, "m1"]
    fewer = own.compare({name: p[kept] for name, p in preds.items()}, y[kept], [spec],
                        weight=w[kept])[spec, "m1"]  # fmt: skip
    assert whole["value"] == near(fewer["value"])
    for name in ("low", "high", "p", "smallest_shown"):
        assert whole[name] == near(fewer[name], 1.0), name


@pytest.mark.parametrize("spec", ["r2", "wape"])
def test_rows_that_add_nothing_to_a_denominator_count(spec: str) -> None:
    rng = np.random.default_rng(14)
    y = np.tile([0.0, 1.0, 2.0, 1.0, 1.0, 1.0, 2.0, 0.0], 5)  # half of them are the mean
    preds = {f"m{k}": y + rng.normal(size=40) for k in range(2)}
    made = {name: {spec: own.regression(p, y, None)[spec]} for name, p in preds.items()}
    checked(own.compare(preds, y, [spec]), made, None)


# --- clusters and time ------------------------------------------------------------------------


def test_clusters_are_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    preds, y = errors(15, 120)
    cluster = np.random.default_rng(16).integers(0, 40, y.size)
    found = own.compare(preds, y, ["mae", "mse"], cluster=cluster)
    groups = len(np.unique(cluster))
    for power, spec in ((1, "mae"), (2, "mse")):
        losses = {name: np.abs(p - y) ** power for name, p in preds.items()}
        for model in ("m1", "m2"):
            fit = api.OLS(losses[model] - losses["m0"], np.ones(y.size)).fit()
            robust = fit.get_robustcov_results("cluster", groups=cluster, use_correction=False)
            error = robust.bse[0] * math.sqrt(groups / (groups - 1))
            row = found[spec, model]
            half = stats.t.ppf(0.975, groups - 1) * error
            assert (row["high"] - row["low"]) / 2.0 == near(half)
            t = row["difference"] / error
            assert row["p"] == near(2.0 * stats.t.sf(abs(t), groups - 1))


@pytest.mark.parametrize("weighted", [False, True])
def test_clusters_of_every_loss(weighted: bool) -> None:
    preds, y = errors(17, 120)
    w = weights(y.size, 18) + 0.25 if weighted else None
    cluster = np.array([f"c{k}" for k in np.random.default_rng(19).integers(0, 35, y.size)])
    made = {name: own.regression(p, y, w) for name, p in preds.items()}
    how = {} if w is None else {"weight": w}
    found = own.compare(preds, y, list(made["m0"]), cluster=cluster, **how)
    for spec, reference in made["m0"].items():
        for model in ("m1", "m2"):
            value = made[model][spec]
            error = own.cluster_error(difference(reference, value), cluster)
            check(found[spec, model], reference, value, error, rows=y.size,
                  scaled=not spec.startswith(UNSCALED))  # fmt: skip


def test_clusters_of_one_row_each_are_independent_rows() -> None:
    preds, y = errors(20)
    specs = [*own.regression(y, y + 1.0, None)]
    plain = own.compare(preds, y, specs)
    single = own.compare(preds, y, specs, cluster=np.arange(y.size))
    for key, row in plain.rows.items():
        for name in ("low", "high", "p", "effect", "smallest_shown", "rows_for_one_percent"):
            if row[name] is not None:
                assert single[key][name] == near(row[name], 1.0 if name in ("low", "high") else 0.0)


@pytest.mark.parametrize("name", ["p", "effect", "rows_for_one_percent"])
def test_clusters_without_weight_are_as_if_they_were_not_there(name: str) -> None:
    preds, y = errors(21)
    cluster = np.arange(y.size) // 5
    w = np.where(cluster < 4, 0.0, 1.0)
    kept = w > 0.0
    whole = own.compare(preds, y, ["mae"], weight=w, cluster=cluster)["mae", "m1"]
    fewer = own.compare({name: p[kept] for name, p in preds.items()}, y[kept], ["mae"],
                        weight=w[kept], cluster=cluster[kept])["mae", "m1"]  # fmt: skip
    assert whole[name] == near(fewer[name])


@pytest.mark.parametrize("horizon", [1, 2, 6])
def test_time_is_diebold_and_mariano_in_statsmodels(horizon: int) -> None:
    tools = pytest.importorskip("statsmodels.tsa.stattools")
    preds, y = errors(22, 80)
    time = np.random.default_rng(23).permutation(80).astype(float)
    order = np.argsort(time)
    found = own.compare(preds, y, ["mse"], time=time, horizon=horizon)
    for model in ("m1", "m2"):
        peer = tools.diebold_mariano_test(
            y[order], preds[model][order], preds["m0"][order],
            lags=horizon - 1, horizon=horizon, harvey_adj=True,
        )  # fmt: skip
        row = found["mse", model]
        assert row["p"] == near(peer.pvalue)
        error = row["difference"] / float(peer.statistic)
        assert (row["high"] - row["low"]) / 2.0 == near(abs(stats.t.ppf(0.975, 79) * error))


@pytest.mark.parametrize("weighted", [False, True])
def test_time_of_every_loss_with_rows_at_one_time(weighted: bool) -> None:
    preds, y = errors(24, 150)
    w = weights(y.size, 25) + 0.25 if weighted else None
    days = np.random.default_rng(26).integers(0, 60, y.size)
    time = np.datetime64("2026-11-21") + days
    made = {name: own.regression(p, y, w) for name, p in preds.items()}
    how = {} if w is None else {"weight": w}
    found = own.compare(preds, y, list(made["m0"]), time=time.astype(str), horizon=4, **how)
    count = len(np.unique(days))
    for spec, reference in made["m0"].items():
        for model in ("m1", "m2"):
            value = made[model][spec]
            error = own.time_error(difference(reference, value), days, 3)
            check(found[spec, model], reference, value, (error, count - 1))


def test_without_a_horizon_neighbours_are_as_many_as_arch_says() -> None:
    blocks = pytest.importorskip("arch.bootstrap").optimal_block_length
    rng = np.random.default_rng(27)
    y, shared = np.zeros(300), np.zeros(300)
    for t in range(1, 300):
        shared[t] = 0.8 * shared[t - 1] + rng.normal()
    preds = {"a": rng.normal(size=300), "b": rng.normal(size=300) + 5.0 + shared}
    found = own.compare(preds, y, ["mae"], time=np.arange(300.0))
    made = {name: own.mean(np.abs(p)) for name, p in preds.items()}
    apart = difference(made["a"], made["b"])
    lags = 2 * math.ceil(float(blocks(apart)["circular"].iloc[0])) - 1
    degrees = math.floor(1.5 * 300 / (lags + 1))
    assert lags > 3
    error = own.time_error(apart, np.arange(300), lags)
    check(found["mae", "b"], made["a"], made["b"], (error, degrees))


# --- tests of signs and ranks, and the bootstrap ----------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [12, 90])
def test_wilcoxon_and_signs_are_scipys(count: int, weighted: bool) -> None:
    preds, y = errors(28, count)
    w = weights(count, 29) + 0.25 if weighted else None
    scale = np.ones(count) if w is None else w
    how = {} if w is None else {"weight": w}
    ranks = own.compare(preds, y, ["mae", "rmse"], test="wilcoxon", **how)
    signs = own.compare(preds, y, ["mae", "rmse"], test="sign", **how)
    for power, spec in ((1, "mae"), (2, "rmse")):
        for model in ("m1", "m2"):
            d = scale * (np.abs(preds[model] - y) ** power - np.abs(preds["m0"] - y) ** power)
            assert ranks[spec, model]["p"] == near(stats.wilcoxon(d).pvalue)
            row = signs[spec, model]
            better, worse = int((d < 0.0).sum()), int((d > 0.0).sum())
            assert (row["rows_better"], row["ties"], row["rows_worse"]) == (better, 0, worse)
            assert row["p"] == near(stats.binomtest(worse, count).pvalue)


@pytest.mark.parametrize("count", [8, 17])
def test_few_signs_are_flipped_all(count: int) -> None:
    preds, y = errors(30, count)
    found = own.compare(preds, y, ["mae", "rmse"], test="permutation")
    for power, spec in ((1, "mae"), (2, "rmse")):
        d = np.abs(preds["m1"] - y) ** power - np.abs(preds["m0"] - y) ** power
        peer = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
        assert found[spec, "m1"]["p"] == near(peer.pvalue)


def test_many_signs_are_drawn() -> None:
    preds, y = errors(31, 60)
    d = np.abs(preds["m1"] - y) - np.abs(preds["m0"] - y)
    signs = np.random.default_rng(32).choice([-1.0, 1.0], (100_000, 60))
    share = float((np.abs(signs @ d) >= abs(d.sum())).mean())
    for seed in range(3):
        p = own.compare(preds, y, ["mae"], test="permutation", seed=seed)["mae", "m1"]["p"]
        assert p == pytest.approx(share, abs=4.5 * math.sqrt(share * (1 - share) / 1e4) + 1e-4)


def test_bca_is_scipys_with_the_same_seed() -> None:
    preds, y = errors(33, 50)
    specs = ["mae", "rmse", "wape"]
    found = own.compare(preds, y, specs, ci="bca", resamples=600, seed=5)
    order = np.argsort(np.abs(preds["m0"] - y))  # rows come in the order of their first column
    size, below = {name: np.abs(p - y)[order] for name, p in preds.items()}, np.abs(y)[order]

    def rmse(one: Array, axis: int) -> Any:
        return np.sqrt((one**2).mean(axis=axis))

    statistic: dict[str, Any] = {
        "mae": lambda a, b, _, axis: b.mean(axis=axis) - a.mean(axis=axis),
        "rmse": lambda a, b, _, axis: rmse(b, axis) - rmse(a, axis),
        "wape": lambda a, b, t, axis: (b - a).sum(axis=axis) / t.sum(axis=axis),
    }
    for spec in specs:
        for model in ("m1", "m2"):
            peer = stats.bootstrap(
                (size["m0"], size[model], below), statistic[spec], paired=True,
                n_resamples=600, method="BCa", rng=np.random.default_rng(5), vectorized=True,
            ).confidence_interval  # fmt: skip
            row = found[spec, model]
            assert row["method"] == "bca"
            assert (row["low"], row["high"]) == (near(peer.low, 1.0), near(peer.high, 1.0))


def test_bca_of_a_bias_is_of_its_size() -> None:
    preds, y = errors(34)
    preds = {"up": preds["m0"] + 0.5, "down": preds["m1"] - 0.9}
    row = own.compare(preds, y, ["bias"], ci="bca")["bias", "down"]
    assert row["low"] < row["difference"] < row["high"]


def test_the_permutation_test_of_a_bias_is_of_its_size() -> None:
    preds, y = errors(35)
    error = preds["m0"] - y
    preds = {"up": y + error - error.mean() + 0.7, "down": y + error - error.mean() - 0.7}
    row = own.compare(preds, y, ["bias"], test="permutation")["bias", "down"]
    assert abs(row["difference"]) < 1e-12
    assert row["p"] > 0.05


@pytest.mark.parametrize("how", [{"test": "wilcoxon"}, {"test": "permutation"}, {"ci": "bca"}])
def test_what_is_infinite_by_one_loss_counts_by_the_others(how: dict[str, Any]) -> None:
    preds, y = errors(36)
    y[3] = 0.0  # MAPE is infinite there
    alone = own.compare(preds, y, ["mae"], **how)["mae", "m1"]
    beside = own.compare(preds, y, ["mae", "mape"], **how)["mae", "m1"]
    assert [beside[name] for name in ("low", "high", "p")] == [
        alone[name] for name in ("low", "high", "p")
    ]


def test_a_loss_without_rows_to_flip_has_no_p_alone_either() -> None:
    preds, y = errors(37)
    both = own.compare(preds, y, ["r2", "mae"], test="permutation")["r2", "m1"]
    alone = own.compare(preds, y, ["r2"], test="permutation")["r2", "m1"]
    assert both["p"] is None
    assert alone["p"] is None


@pytest.mark.parametrize("test", ["permutation", "wilcoxon"])
def test_signs_of_a_ratio_are_those_of_its_influences(test: str) -> None:
    """One model marks more than the other, and is wrong as much more: the ratios are both 0.2."""
    rng = np.random.default_rng(51)
    y = np.zeros((200, 40))
    y[:, :10] = 1.0
    few, many = np.zeros_like(y), np.zeros_like(y)
    moved, more = rng.permutation([1, 3] * 100), rng.permutation([3, 7] * 100)
    for row in range(200):
        few[row, moved[row] : 10 + moved[row]] = 1.0  # 2 or 6 wrong of 20
        many[row, : 10 + more[row]] = 1.0  # 3 of 23, or 7 of 27
    spec, models = "dice:aggregate=global", {"few": few, "many": many}
    plain = own.compare(models, y, [spec], task="masks")[spec, "many"]
    assert plain["value"] == near(0.2) and plain["p"] > 0.99
    p = own.compare(models, y, [spec], task="masks", test=test)[spec, "many"]["p"]
    assert p is None if test == "wilcoxon" else p > 0.05


# --- several comparisons ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"), [("holm", "holm"), ("fdr", "fdr_bh"), ("bonferroni", "bonferroni")]
)
def test_p_values_are_corrected_over_models_times_losses(ours: str, theirs: str) -> None:
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    preds, y = errors(38, models=5)
    found = own.compare(preds, y, correction=ours)
    tested = [row for row in found.rows.values() if row["p"] is not None]
    assert len(tested) == 4 * 7
    wanted = multipletests([row["p"] for row in tested], 0.05, theirs)
    for row, p, shown in zip(tested, wanted[1], wanted[0], strict=True):
        assert row["p_corrected"] == near(p)
        if row["trusted"]:
            worse = (row["difference"] > 0.0) != (row["loss"] == "r2")
            assert row["verdict"] == (("worse" if worse else "better") if shown else "not shown")
        else:
            assert row["verdict"] == "undecided"
    plain = own.compare(preds, y, correction="none")
    assert all(row["p"] == row["p_corrected"] for row in plain.rows.values())


def test_the_smallest_difference_is_statsmodels() -> None:
    power = pytest.importorskip("statsmodels.stats.power").NormalIndPower(ddof=0)
    preds, y = errors(39)
    d = np.abs(preds["m1"] - y) - np.abs(preds["m0"] - y)
    for confidence in (0.9, 0.95):
        row = own.compare(preds, y, ["mae"], confidence=confidence)["mae", "m1"]
        asked = {"alpha": 1.0 - confidence, "power": 0.8, "ratio": 0}
        effect = power.solve_power(nobs1=d.size, **asked)
        assert row["smallest_shown"] == pytest.approx(effect * d.std(ddof=1), rel=1e-4)
        size = 0.01 * np.abs(preds["m0"] - y).mean() / d.std(ddof=1)
        needed = power.solve_power(effect_size=size, **asked)
        assert row["rows_for_one_percent"] == pytest.approx(needed, rel=1e-4)


def test_the_win_rate_has_wilsons_interval() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for better, ties, worse in ((7, 3, 5), (0, 0, 9), (61, 4, 0), (120, 0, 130)):
        found = Versus(1, apart=Apart(WinsState(better, ties, worse)))
        for level in (0.05, 0.2):
            ends = proportion.proportion_confint(better, better + worse, level, method="wilson")
            interval = found.win_interval(1.0 - level)
            assert found.win_rate == near(better / (better + worse))
            assert interval == (near(ends[0], 1.0), near(ends[1], 1.0))


# --- many models ------------------------------------------------------------------------------


def drawn(losses: Array, count: int = 200_000) -> tuple[Array, Array, Array]:
    """Means of losses (n, M), the standard errors of their differences, and joint draws of their
    errors as Student's t has them."""
    n, models = losses.shape
    rng = np.random.default_rng(41)
    covariance = np.cov(losses.T) / n
    own_variance = np.diag(covariance)
    spread = np.sqrt(own_variance[:, np.newaxis] + own_variance - 2.0 * covariance)
    noise = rng.multivariate_normal(np.zeros(models), covariance, count)
    noise *= np.sqrt((n - 1) / rng.chisquare(n - 1, count))[:, np.newaxis]
    return losses.mean(axis=0), spread, noise


@pytest.mark.parametrize("loss", ["mae", "accuracy"])
def test_ranks_and_simultaneous_intervals_are_those_of_a_simulation(loss: str) -> None:
    data = own.sample("regression" if loss == "mae" else "multiclass")
    if loss == "mae":
        losses = np.column_stack([np.abs(p - data.truth) for p in data.preds.values()])
    else:
        losses = (
            np.column_stack([p.argmax(axis=1) != data.truth for p in data.preds.values()]) + 0.0
        )
    found = own.compare(data.files, data.target, [loss], **data.how)
    told = found.part("ranks")["models"]
    means, spread, noise = drawn(losses)
    lowest = np.bincount((means + noise).argmin(axis=1), minlength=6) / len(noise)
    apart = np.abs(noise[:, 1:] - noise[:, [0]]) / spread[0, 1:]
    reference = np.quantile(apart.max(axis=1), 0.95)
    pairs = np.zeros(len(noise))
    for i, j in itertools.combinations(range(6), 2):
        pairs = np.maximum(pairs, np.abs(noise[:, i] - noise[:, j]) / spread[i, j])
    critical = np.quantile(pairs, 0.95)
    best = int(means.argmin())
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (means[:, np.newaxis] - means) / spread
    for place, name in enumerate(data.preds):
        one = told[name]
        p = lowest[place]
        assert one["p_best"] == pytest.approx(p, abs=4.5 * math.sqrt(p * (1 - p) / 1e4) + 1e-3)
        for key, other, value in (("from_reference", 0, reference), ("from_best", best, critical)):
            turned = -1.0 if loss == "accuracy" else 1.0  # the means here are of being wrong
            assert turned * one[key]["difference"] == near(means[place] - means[other], 1e-6)
            half = (one[key]["high"] - one[key]["low"]) / 2.0
            if place != other:
                assert half / spread[place, other] == pytest.approx(value, abs=0.12)
        sure = [int(np.nansum(t[place] > critical + gap)) for gap in (0.12, -0.12)]
        assert 1 + sure[0] <= one["rank"][0] <= 1 + sure[1]
        sure = [int(np.nansum(t[place] < -critical - gap)) for gap in (0.12, -0.12)]
        assert 6 - sure[1] <= one["rank"][1] <= 6 - sure[0]


@pytest.mark.parametrize("task", ["regression", "boxes", "sequence"])
def test_the_confidence_set_is_archs(task: str) -> None:
    mcs = pytest.importorskip("arch.bootstrap").MCS
    data = own.sample(task)
    rows = {
        "regression": lambda p: np.abs(p - data.truth),
        "boxes": lambda p: own.boxes(p, data.truth, None)["giou"],
        "sequence": lambda p: np.array([*map(own.edits, p, data.truth)]),
    }  # fmt: skip
    columns = []
    for p in data.preds.values():
        made = rows[task](p)
        if isinstance(made, Value):  # the rows again, from what each does to their mean
            made = made.influence * len(data.truth) + made.value
        columns.append(made.astype(float))
    peer = mcs(np.column_stack(columns), 0.05, reps=1000, block_size=1, seed=3)
    peer.compute()
    leading = {"regression": "mae", "boxes": "giou", "sequence": "edit_distance"}[task]
    told = own.compare(data.files, data.target, [leading], **data.how).part("ranks")["models"]
    names = list(data.preds)
    for place, p in peer.pvalues.Pvalue.items():
        one = told[names[place]]
        assert one["confidence_set_p"] == pytest.approx(p, abs=0.07)
        if abs(p - 0.05) > 0.03:
            assert one["in_confidence_set"] == (place in peer.included)


def test_kendalls_w_with_ties() -> None:
    data = own.sample("regression")
    preds = {**data.preds, "copy": data.preds["knn"]}
    found = own.compare(preds, data.truth)
    names = list(preds)
    told = found.part("agreement")
    ranks = []
    for spec in told["ranks"]:
        values = np.array([found[spec, name]["value"] for name in names])
        values = -values if spec == "r2" else np.abs(values) if spec == "bias" else values
        ranks.append(stats.rankdata(values))
        assert [told["ranks"][spec][name] for name in names] == ranks[-1].tolist()
    r = np.array(ranks)
    m, k = r.shape
    # Kendall's W from Spearman's mean correlation, which is that of ranks with ties.
    friedman = stats.friedmanchisquare(*r.T).statistic
    assert (m, k) == (9, 7)
    assert told["w"] == near(friedman / (m * (k - 1)))


# --- the rows that decide ---------------------------------------------------------------------

EIGHTHS = st.integers(-24, 24).map(lambda n: n / 8)
FEW = st.lists(st.tuples(EIGHTHS, EIGHTHS, st.sampled_from([0.0, 0.5, 1.0, 2.0])), min_size=2,
               max_size=10)  # fmt: skip


def fewest(gap: Array) -> int | None:
    """The fewest rows without which the sum of a gap is below 0, of all subsets."""
    n = gap.size
    gone = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    flipped = ((1 - gone) @ gap) < 0.0
    return int(gone[flipped].sum(axis=1).min()) if flipped.any() else None


@settings(max_examples=60)
@given(rows=FEW, weighted=st.booleans())
def test_flips_are_least_of_all_subsets(rows: Any, weighted: bool) -> None:
    one, other, w = (np.array(column) for column in zip(*rows, strict=True))
    if not weighted or not w.any():
        w = np.ones(len(w))
    target = np.zeros(len(w))
    found = own.compare({"a": one, "b": other}, target, ["mae", "rmse", "mse:reduction=sum"],
                        weight=w)  # fmt: skip
    told = found.part("what decides") if "what decides" in found.parts() else {}
    for power, spec in ((1, "mae"), (2, "rmse"), (2, "mse:reduction=sum")):
        gap = w * (np.abs(other) ** power - np.abs(one) ** power)
        if gap.sum() == 0.0:
            assert spec not in told
            continue
        first, second = (one, other) if gap.sum() > 0.0 else (other, one)
        gap = np.abs(gap.sum()) / gap.sum() * gap
        flip = told[spec]
        assert flip["prefers"] == ("a" if first is one else "b")
        assert flip["count"] == fewest(gap)
        if flip["count"] is None:
            continue
        assert len(set(flip["rows"])) == len(flip["rows"]) == flip["count"]
        kept = ~np.isin(np.arange(len(w)), flip["rows"])
        assert gap[kept].sum() < 0.0
        sums = [float((w * np.abs(p) ** power)[kept].sum()) for p in (first, second)]
        by = 1.0 if spec.endswith("sum") else w[kept].sum()
        values = [math.sqrt(each / by) if spec == "rmse" else each / by for each in sums]
        assert flip["without"] == [near(value) for value in values]


@settings(max_examples=25)
@given(labels=st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=3, max_size=9))
def test_flips_of_the_two_best_of_three_by_a_loss_to_maximise(labels: Any) -> None:
    truth, *preds = (np.array(column) for column in zip(*labels, strict=True))
    names = ["a", "b", "c"]
    found = own.compare(dict(zip(names, preds, strict=True)), truth, ["accuracy"],
                        task="multiclass")  # fmt: skip
    right = {name: (p == truth).astype(float) for name, p in zip(names, preds, strict=True)}
    order = sorted(names, key=lambda name: -right[name].sum())
    gap = right[order[0]] - right[order[1]]
    if not gap.sum():
        assert "what decides" not in found.parts()
        return
    flip = found.part("what decides")["accuracy"]
    assert (flip["prefers"], flip["over"]) == (order[0], order[1])
    assert flip["count"] == fewest(gap)


@pytest.mark.parametrize("task", ["regression", "binary", "boxes", "sequence", "embedding"])
def test_flips_of_the_sample_data_follow_from_sorting(task: str) -> None:
    data = own.sample(task)
    chosen = list(data.preds)[:2]
    files = {name: data.files[name] for name in chosen}
    found = own.compare(files, data.target, **data.how)
    told = found.part("what decides")
    tried = 0
    for spec, flip in told.items():
        if spec == "text":
            continue
        values = [data.formulas(data.preds[name], data.truth, None).get(spec) for name in chosen]
        if None in values:
            continue
        tried += 1
        first, second = (values[chosen.index(flip[key])] for key in ("prefers", "over"))
        assert first is not None and second is not None
        n = len(data.truth)
        # A mean's rows follow from its influences; a root's squares do too.
        inner = [(one.influence * n * (2.0 * one.value) + one.value**2) if spec == "rmse"
                 else one.influence * n + one.value for one in (first, second)]  # fmt: skip
        gap = inner[1] - inner[0]
        gap = -gap if spec.startswith("accuracy") else gap
        left = gap.sum() - np.cumsum(np.sort(gap)[::-1])
        assert flip["count"] == int((left < -1e-9).argmax()) + 1
        kept = ~np.isin(np.arange(n), flip["rows"])
        if flip["count"] <= 50:
            without = [one[kept].mean() for one in inner]
            without = [math.sqrt(one) for one in without] if spec == "rmse" else without
            assert flip["without"] == [near(one, 1.0) for one in without]
        else:
            assert flip["without"] is None
    assert tried >= 2


# --- without the largest; groups; a setting ---------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_trimmed_paths(weighted: bool) -> None:
    data = own.sample("regression")
    w = weights(len(data.truth), 42) if weighted else np.ones(len(data.truth))
    how = {"weight": w} if weighted else {}
    path = own.compare(data.preds, data.truth, ["mse"], **how).part("trimmed")["path"]
    kept = w > 0.0
    n = int(kept.sum())
    shares = [share for share in (0.001, 0.01, 0.05, 0.1, 0.2) if int(share * n)]
    assert [one["share"] for one in path] == shares
    for one in path:
        values = {}
        for name, p in data.preds.items():
            added, mass = ((p - data.truth) ** 2 * w)[kept], w[kept]
            left = np.argsort(added)[: n - int(one["share"] * n)]
            values[name] = added[left].sum() / mass[left].sum()
        assert one["values"] == {name: near(value) for name, value in values.items()}
        assert one["best"] == min(values, key=lambda name: values[name])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["mae", "rmse"])
def test_groups_are_those_of_pandas(loss: str, weighted: bool) -> None:
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    data = own.sample("regression")
    frame = pd.read_csv(data.target)
    frame["w"] = weights(len(frame), 43) if weighted else 1.0
    frame["site"] = np.random.default_rng(44).choice(["a", "b", "c", "d"], len(frame))
    frame.loc[frame.index[:8], "site"] = "few"
    names = ["forest", "ridge", "mean"]
    how = {"weight_col": "w"} if weighted else {}
    found = own.compare({name: data.files[name] for name in names}, frame, [loss], by="site",
                        target_col="target", **how)  # fmt: skip
    told = found.part("by site")
    power = 2 if loss == "rmse" else 1
    for name in names:
        frame[name] = np.abs(data.preds[name] - data.truth) ** power
    outer = math.sqrt if loss == "rmse" else float
    groups = {group["group"]: group for group in told["groups"]}
    assert set(groups) == {"a", "b", "c", "d", "few"}
    tested, p_values = [], []
    means: dict[str, list[float]] = {name: [] for name in names}
    for site, rows in frame.groupby("site"):
        group = groups[str(site)]
        assert group["rows"] == len(rows)
        weighs = rows["w"] > 0.0
        inner = {name: float(np.average(rows[name], weights=rows["w"])) for name in names}
        for name in names:
            one = group["models"][name]
            assert one["value"] == near(outer(inner[name]))
            means[name].append(outer(inner[name]))
            if name == "forest":
                continue
            apart = outer(inner[name]) - outer(inner["forest"])
            assert one["difference"] == near(apart, inner["forest"])
            value = own.mean((rows[name] - rows["forest"]).to_numpy(), rows["w"].to_numpy())
            error, degrees = own.plain_error(value.influence, rows["w"].to_numpy())
            half = stats.t.ppf(0.975, degrees) * error
            factor = apart / value.value
            ends = sorted((factor * (value.value - half), factor * (value.value + half)))
            assert one["low"] == near(ends[0], inner["forest"])
            assert one["high"] == near(ends[1], inner["forest"])
            if weighs.sum() >= 30:
                tested.append(one)
                p_values.append(2.0 * stats.t.sf(abs(value.value) / error, degrees))
            else:
                assert (one["verdict"], one["p_corrected"]) == ("undecided", None)
    corrected = multipletests(p_values, 0.05, "holm")[1]
    for one, p in zip(tested, corrected, strict=True):
        assert one["p_corrected"] == pytest.approx(p, rel=1e-8)
        side = "worse" if one["difference"] > 0.0 else "better"
        assert one["verdict"] == (side if p < 0.05 else "not shown")
    assert told["alike"] == {name: near(np.mean(each)) for name, each in means.items()}


def test_the_bias_of_groups_is_compared_by_its_size() -> None:
    rng = np.random.default_rng(50)
    frame = pd.DataFrame({"target": np.zeros(200), "g": np.repeat(["a", "b"], 100)})
    noise = rng.normal(size=200)
    preds = {"low": pd.DataFrame({"pred": noise - 3.0}), "fair": pd.DataFrame({"pred": -noise})}
    found = own.compare(preds, frame, ["bias"], by="g", target_col="target")
    assert found["bias", "fair"]["verdict"] == "better"
    for group in found.part("by g")["groups"]:
        assert group["models"]["fair"]["verdict"] == "better"


def test_a_mix_that_decides() -> None:
    """Better in most groups, worse in the large one."""
    rng = np.random.default_rng(45)
    group = np.repeat(["large", "b", "c", "d"], [400, 50, 50, 50])
    noise = rng.normal(size=550)
    better = np.where(group == "large", 1.3, 0.7)
    frame = pd.DataFrame({"target": np.zeros(550), "group": group})
    preds = {"old": pd.DataFrame({"pred": noise}), "new": pd.DataFrame({"pred": better * noise})}
    found = own.compare(preds, frame, ["mae"], by="group", target_col="target")
    size = pd.DataFrame({"group": group, "old": np.abs(noise), "new": np.abs(better * noise)})
    means = size.groupby("group").mean()
    told = found.part("by group")
    assert told["alike"] == {name: near(means[name].mean()) for name in ("old", "new")}
    assert means["new"].mean() < means["old"].mean()
    assert found["mae", "new"]["difference"] > 0.0
    notes = [note.text for note in found.report.notes if note.code == "mix"]
    assert len(notes) == 1 and "counting alike new would be first, not old" in notes[0]
    same = own.compare(
        preds, frame, ["mae"], by="group", target_col="target", where="group != large"
    )
    assert not [note for note in same.report.notes if note.code == "mix"]


@pytest.mark.parametrize("ends", [(0.05, 20.0), (1.0, 5.0)])
def test_a_setting_where_the_best_changes(ends: tuple[float, float]) -> None:
    rng = np.random.default_rng(46)
    y = np.zeros(400)
    steady, wild = 0.9 * rng.normal(size=400), 0.4 * rng.standard_t(2, size=400)

    def gap(delta: float) -> float:
        return float(own.huber(steady, delta).mean() - own.huber(wild, delta).mean())

    crossing = optimize.brentq(gap, *ends, xtol=1e-12)
    sweep = f"huber:delta={ends[0]:g}..{ends[1]:g}"
    found = own.compare({"steady": steady, "wild": wild}, y, ["mae"], sweep=sweep).part("sweep")
    (change,) = found["changes"]
    assert (change["from"], change["to"]) == ("wild", "steady")
    assert change["low"] <= crossing <= change["high"]
    assert change["high"] - change["low"] < 1e-3 * crossing
    at = [point["at"] for point in found["points"]]
    assert at == sorted(at) and (at[0], at[-1]) == ends and len(at) > 33
    for point in found["points"]:
        wanted = {"steady": own.huber(steady, point["at"]).mean(),
                  "wild": own.huber(wild, point["at"]).mean()}  # fmt: skip
        assert point["values"] == {name: near(float(one)) for name, one in wanted.items()}
        assert point["best"] == min(wanted, key=lambda name: wanted[name])


# --- rows that not all answer; who wins where -------------------------------------------------


def test_rows_that_not_all_answer_are_those_of_pandas() -> None:
    truth = pd.read_csv(SAMPLES / "diabetes" / "target.csv")[["id", "target"]]
    preds = {name: pd.read_csv(SAMPLES / "diabetes" / f"{name}.csv")
             for name in ("ridge", "gaps", "knn")}  # fmt: skip
    preds["knn"].loc[5:24, "pred"] = np.nan
    found = own.compare(preds, truth, ["mae", "rmse"], on="id", nan="drop", missing="drop",
                        target_col="target", pred_col="pred")  # fmt: skip
    whole = truth.copy()
    for name, frame in preds.items():
        whole = whole.merge(frame.rename(columns={"pred": name}), on="id", how="left")
        whole[name] = (whole[name] - whole["target"]).abs()
    common = whole.dropna()
    for name in preds:
        row = found["mae", name]
        assert (row["value"], row["n"]) == (near(common[name].mean()), len(common))
        assert found["rmse", name]["value"] == near(math.sqrt((common[name] ** 2).mean()))
    peer = stats.ttest_rel(common["gaps"], common["ridge"])
    assert found["mae", "gaps"]["p"] == near(peer.pvalue)
    told = found.part("abstained")
    assert told["loss"] == "mae" and set(told["models"]) == {"gaps", "knn"}
    for name in ("gaps", "knn"):
        one = told["models"][name]
        left = whole[whole[name].isna()]
        assert sum(one["rows"].values()) == len(left)
        assert one["own_rows"] == near(whole[name].mean())
        other = one["others"]
        assert other["model"] == "ridge"
        assert other["left_out"] == near(left["ridge"].mean())
        assert other["compared"] == near(common["ridge"].mean())
    assert told["models"]["gaps"]["rows"] == {"unmatched": 5, "nan": 40}
    lacking = {one["name"]: one["left_out"] for one in found.report.models}
    assert lacking["ridge"] == {} or not any(lacking["ridge"].values())
    assert found.report.rows["scored"] == len(common)


@pytest.mark.parametrize("weighted", [False, True])
def test_wins_ties_and_losses(weighted: bool) -> None:
    rng = np.random.default_rng(47)
    y = np.zeros(200)
    preds = {f"m{k}": rng.integers(-3, 4, 200).astype(float) for k in range(3)}
    w = weights(200, 48)
    how = {"weight": w} if weighted else {}
    found = own.compare(preds, y, ["mae", "rmse", "r2", "bias", "median_ae", "huber"], **how)
    kept = w > 0.0 if weighted else np.ones(200, dtype=bool)
    for (spec, model), row in found.rows.items():
        if model == "m0":
            continue
        size = [np.abs(preds[name])[kept] for name in ("m0", model)]
        counts = [int(side.sum()) for side in (size[1] < size[0], size[1] == size[0],
                                               size[1] > size[0])]  # fmt: skip
        assert [row[key] for key in ("rows_better", "ties", "rows_worse")] == counts, spec
    labels = rng.integers(0, 3, 200)
    right = {f"m{k}": rng.integers(0, 3, 200) for k in range(2)}
    row = own.compare(right, labels, ["accuracy"], task="multiclass", test="sign")["accuracy", "m1"]
    only = [int(((right[one] == labels) & (right[other] != labels)).sum())
            for one, other in (("m1", "m0"), ("m0", "m1"))]  # fmt: skip
    assert (row["rows_better"], row["rows_worse"]) == tuple(only)
    assert row["p"] == near(stats.binomtest(only[0], sum(only)).pvalue)  # McNemar's exact test


def test_median_and_maximum_have_values_and_nothing_else() -> None:
    data = own.sample("regression")
    found = own.compare(data.files, data.target, ["median_ae", "max_error"], **data.how)
    for name, p in data.preds.items():
        size = np.abs(p - data.truth)
        for spec, value in (("median_ae", np.median(size)), ("max_error", size.max())):
            row = found[spec, name]
            assert row["value"] == near(float(value))
            assert (row["low"], row["p"], row["verdict"]) == (None, None, None)


@pytest.mark.parametrize(
    "spec",
    [
        "mae", "rmse", "mse", "huber", "log_cosh", "median_ae", "bias", "r2",
        "max_error",
    ],
)  # fmt: skip
def test_identical_models_are_identical(spec: str) -> None:
    pred, target = load("diabetes/ridge"), load("diabetes/target")
    found = own.compare({"a": pred, "b": pred}, target, [spec])
    row = found[spec, "b"]
    assert (row["difference"], row["p"], row["verdict"]) == (0.0, None, "identical")
    assert found.report.finding.startswith("Identical: a")
    whole = own.compare({"a": pred, "b": pred}, target)
    assert whole.report.finding.startswith("Identical: a")


def test_a_constant_lead_has_no_spread() -> None:
    rng = np.random.default_rng(49)
    error = np.floor(rng.normal(size=64) * 8) / 8
    row = own.compare({"a": np.abs(error), "b": np.abs(error) + 1.0}, np.zeros(64), ["mae"])[
        "mae", "b"
    ]
    assert (row["difference"], row["low"]) == (1.0, None)
    assert row["p"] == near(stats.binomtest(64, 64).pvalue)


def test_the_visits_by_rows_patients_and_days() -> None:
    """Rows that depend, paired by a key of two columns."""
    path = SAMPLES / "diabetes" / "visits.csv"
    target = str(SAMPLES / "diabetes" / "visits_target.csv")
    frame = pd.read_csv(path).merge(pd.read_csv(target), on=["patient", "day"])
    size = {name: (frame[name] - frame["target"]).abs() for name in ("old", "new")}
    made = {name: own.mean(one.to_numpy()) for name, one in size.items()}
    apart = difference(made["old"], made["new"])
    days = frame["day"].to_numpy()
    plans: list[tuple[dict[str, Any], tuple[float, float]]] = [
        ({}, own.plain_error(apart)),
        ({"cluster": "patient"}, own.cluster_error(apart, frame["patient"].to_numpy())),
        ({"time": "day", "horizon": 12}, (own.time_error(apart, days, 11), len(set(days)) - 1)),
    ]
    models = {name: frame[["patient", "day", name]] for name in ("old", "new")}
    for how, error in plans:
        found = own.compare(models, target, ["mae"], on=["patient", "day"], **how)
        check(found["mae", "new"], made["old"], made["new"], error)
