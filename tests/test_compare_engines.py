"""Neither blocks, nor threads, nor formats, nor the order of rows change a byte of a comparison."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import lossctl
from lossctl.analyses.comparison.resampled import BucketOf
from lossctl.cli import run as command
from lossctl.exact import UNIT
from lossctl.gram import Gram
from lossctl.grammar import parse
from lossctl.models import Model
from lossctl.report import Report
from lossctl.terms import LossTerms
from lossctl.units import BUCKETS, MOST, UnitSums
from tests import compared as own
from tests.batches import batch
from tests.samples import SAMPLES
from tests.test_engines import forked, needs_fork

N = 110
NAMES = ("a", "b", "c")
LOSSES = ["mae", "rmse", "r2", "bias", "huber", "wape", "median_ae", "max_error"]
NOISE = 0.022  # of a standard error from 1,024 buckets


def frames(count: int = N, seed: int = 0) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Three models and their targets; sizes of many powers of ten, so that sums would round."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-3, 4, count)
    target = rng.normal(size=count) * scale
    ids = [f"k{place:06d}" for place in range(count)]
    truth = pd.DataFrame({
        "id": ids, "target": target, "weight": rng.choice([0.0, 0.5, 1.0, 3.0], count),
        "group": rng.choice(["north", "south"], count), "cluster": rng.integers(0, 50, count),
        "day": rng.integers(0, 90, count),
    })  # fmt: skip
    preds = {
        name: pd.DataFrame({"id": ids, "pred": target + scale * rng.normal(size=count) * (1 + k)})
        for k, name in enumerate(NAMES)
    }
    return preds, truth


QUESTIONS: dict[str, dict[str, Any]] = {
    "everything": {"by": ["group", "bin(day,4)"], "curves": True, "sweep": "huber:delta=0.1..10"},
    "weighted": {"weight_col": "weight", "by": "group"},
    "bootstrap": {"ci": "bca", "resamples": 300, "correction": "fdr"},
    "permutation": {"test": "permutation", "resamples": 500, "seed": 3},
    "wilcoxon": {"test": "wilcoxon"},
    "clusters": {"cluster": "cluster", "weight_col": "weight"},
    "time": {"time": "day"},
    "horizon": {"time": "day", "horizon": 5},
    "dropped": {"nan": "drop"},
}


def report(preds: Any, truth: Any, **how: Any) -> dict[str, Any]:
    found = lossctl.compare(preds, truth, LOSSES, target_col="target", pred_col="pred", **how)
    return found.to_dict()


def said(*given: Any, **how: Any) -> str:
    """All but where the columns come from."""
    return bare(report(*given, **how))


def bare(data: dict[str, Any]) -> str:
    data = dict(data)
    data.pop("inputs")
    data["models"] = [{**one, "path": "", "format": "", "columns": []} for one in data["models"]]
    return json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("question", QUESTIONS)
def test_blocks_and_threads_change_no_byte(question: str) -> None:
    preds, truth = frames()
    how = QUESTIONS[question]
    if question == "dropped":
        preds["b"].loc[[3, 77], "pred"] = np.nan
        preds["c"].loc[5, "pred"] = np.inf
    expected = said(preds, truth, threads=1, **how)
    for rows, threads in ((1, 1), (7, 2), (100, 3), (None, 2)):
        assert said(preds, truth, block_rows=rows, threads=threads, **how) == expected


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_order_of_any_file_changes_no_byte(question: str) -> None:
    preds, truth = frames(seed=1)
    how = QUESTIONS[question] | {"on": "id"}
    if question == "dropped":
        how |= {"missing": "drop"}
        preds["b"] = preds["b"].drop(index=[4, 5, 50])
        preds["c"].loc[5, "pred"] = np.inf
    expected = report(preds, truth, **how)
    rng = np.random.default_rng(2)
    for name in NAMES:
        moved = preds | {name: preds[name].iloc[rng.permutation(len(preds[name]))]}
        assert bare(report(moved, truth, block_rows=31, **how)) == bare(expected)
    turned = report(preds, truth.iloc[rng.permutation(N)], **how)
    assert unnumbered(turned) == unnumbered(expected)


def unnumbered(data: dict[str, Any]) -> str:
    """Without what the order of the targets decides: the numbers of rows, and what is said of
    neighbours."""
    for part in data["parts"].get("what decides", {}).values():
        if isinstance(part, dict):
            part["rows"] = None
    data["parts"]["what decides"]["text"] = data["parts"]["agreement"]["text"] = ""
    data["finding"] = ""
    data["notes"] = [note for note in data["notes"] if note["code"] != "order"]
    return bare(data)


def written(folder: Path, form: str) -> tuple[list[str], list[str]]:
    """The models as words of a command line, and the options of the targets."""
    preds, truth = frames(seed=3)
    words = []
    for name, frame in (*preds.items(), ("truth", truth)):
        path = folder / f"{name}.{form}"
        if form == "csv":
            frame.to_csv(path, index=False)
        elif form == "parquet":
            frame.to_parquet(path)
        else:
            np.save(path, frame["target" if name == "truth" else "pred"].to_numpy())
        words.append(f"{name}={path}")
    columns = [] if form == "npy" else ["--target-col", "target", "--pred-col", "pred"]
    return words[:-1], ["-t", str(folder / f"truth.{form}"), *columns]


def called(words: list[str], *options: str, folder: Path) -> dict[str, Any]:
    out = folder / "out.json"
    assert command(["compare", *words, *options, "-f", "json", "-o", str(out), "-q"]) == 0
    data: dict[str, Any] = json.loads(out.read_text())
    return data


LOSS = ["-l", ",".join(LOSSES)]


@pytest.mark.parametrize("form", ["csv", "parquet", "npy"])
def test_every_format_is_the_same(form: str, tmp_path: Path) -> None:
    preds, truth = frames(seed=3)
    plain = {name: frame["pred"].to_numpy() for name, frame in preds.items()}
    expected = lossctl.compare(plain, truth["target"].to_numpy(), LOSSES, sweep="huber:delta=1..9")
    words, target = written(tmp_path, form)
    found = called(words, *target, *LOSS, "--sweep", "huber:delta=1..9", folder=tmp_path)
    ours = json.loads(bare(found))
    wanted = json.loads(bare(expected.to_dict()))
    if form != "npy":  # there are ids
        ours["parts"]["what decides"] = wanted["parts"]["what decides"]
        ours["parts"]["agreement"]["text"] = wanted["parts"]["agreement"]["text"]
        ours["finding"] = wanted["finding"]
        ours["signature"] = wanted["signature"]
    assert ours == wanted


@needs_fork
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("csv", ["--by", "group", "--weight-col", "weight"]),
        ("csv", ["--cluster", "cluster", "--on", "id"]),
        ("parquet", ["--time", "day"]),
        ("npy", ["--ci", "bca", "--resamples", "200", "--test", "permutation"]),
    ],
)
def test_processes_are_the_same(form: str, options: list[str], tmp_path: Path) -> None:
    words, target = written(tmp_path, form)
    asked = [*words, *target, *LOSS, *options, "-f", "json"]
    done = forked(f"""
from lossctl.cli import run
for threads in ("1", "2", "3"):
    made.clear()
    status = run(["compare", *{asked!r}, "--block-rows", "7", "--threads", threads, "-q",
                  "-o", {str(tmp_path)!r} + "/" + threads])
    print(status, len(made))
""")
    assert done.stderr == ""
    said = [(tmp_path / threads).read_text() for threads in ("1", "2", "3")]
    counts = [line.split() for line in done.stdout.splitlines()]
    assert [status for status, _ in counts] == ["0"] * 3
    assert int(counts[0][1]) == 0 < int(counts[1][1]) < int(counts[2][1])
    assert said[0] == said[1] == said[2] != ""
    assert Report.from_dict(json.loads(said[0])).to_json() + "\n" == said[0]


# --- more rows than are kept ------------------------------------------------------------------


def many(count: int, seed: int) -> tuple[dict[str, np.ndarray[Any, Any]], Any]:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=count)
    common = rng.normal(size=count)
    return {
        name: target + 0.5 * common + (1.0 + 0.05 * k) * rng.normal(size=count)
        for k, name in enumerate(NAMES)
    }, target


def test_a_thousand_buckets_have_the_standard_error_of_rows() -> None:
    preds, target = many(50_000, 4)
    spec = parse("mae")
    rows = batch(preds["a"], target)
    rows.columns["pred@1"] = preds["b"]
    terms = tuple(LossTerms(spec, None, model)
                  for model in (Model("a"), Model("b", (("pred", "pred@1"),))))  # fmt: skip
    state = UnitSums(BucketOf(), terms).make(rows)
    table = state.table
    assert table.shape == (BUCKETS, 5) and table[:, 0].sum() == rows.count
    sums = Gram(terms).make(rows)
    apart = np.abs(preds["b"] - target) - np.abs(preds["a"] - target)
    exact, mean = apart.std(ddof=1) / math.sqrt(apart.size), apart.mean()
    square = sums.products[0][0] - 2 * sums.products[0][2] + sums.products[2][2]
    drift = Fraction(sums.a(1) - sums.a(0), 1 << UNIT)
    variance = (Fraction(square, 1 << UNIT) - drift * drift / sums.count) / (sums.count - 1)
    assert math.sqrt(variance / sums.count) == own.near(exact)
    influence = (table[:, 3] - table[:, 1] - mean * table[:, 0]) / rows.count
    error = math.sqrt(BUCKETS / (BUCKETS - 1) * float((influence**2).sum()))
    assert error == pytest.approx(exact, rel=3 * NOISE)
    assert table[:, 3].sum() - table[:, 1].sum() == pytest.approx(apart.sum())


def error_of(row: Any, units: int | None = None) -> float:
    """The standard error of a difference, of so many `units`."""
    error = float(row["smallest_shown"]) / (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
    if units is not None:
        assert (row["high"] - row["low"]) / 2.0 == own.near(stats.t.ppf(0.975, units - 1) * error)
    return error


def test_many_clusters_are_folded_and_agree_with_the_exact_formula() -> None:
    count = 42_000
    preds, target = many(count, 5)
    rng = np.random.default_rng(6)
    cluster = rng.integers(0, 28_000, count)  # of unlike sizes
    shared = rng.normal(size=28_000)[cluster]
    preds = {name: p + k * 2.0 * shared for k, (name, p) in enumerate(preds.items())}
    groups = len(np.unique(cluster))
    assert groups > MOST
    found = own.compare(preds, target, ["mae", "rmse"], cluster=cluster)
    plain = own.compare(preds, target, ["mae", "rmse"])
    for model in ("b", "c"):
        values = {}
        for name in ("a", model):
            error = preds[name] - target
            values[name] = own.mean(np.abs(error)), own.root(own.mean(error**2))
        for spec, (one, other) in zip(("mae", "rmse"), zip(*values.values(), strict=True),
                                      strict=True):  # fmt: skip
            exact, _ = own.cluster_error(other.influence - one.influence, cluster)
            alone, _ = own.plain_error(other.influence - one.influence)
            assert error_of(plain[spec, model], count) == own.near(alone)
            error = error_of(found[spec, model], BUCKETS)
            assert error == pytest.approx(exact, rel=3 * NOISE)
            assert exact > 1.1 * alone  # clusters matter
            assert found[spec, model]["difference"] == plain[spec, model]["difference"]


def test_up_to_as_many_clusters_as_are_kept_the_formula_is_exact() -> None:
    preds, target = many(22_000, 7)
    cluster = np.arange(22_000) % MOST
    row = own.compare(preds, target, ["mae"], cluster=cluster)["mae", "b"]
    one, other = (own.mean(np.abs(preds[name] - target)) for name in ("a", "b"))
    error = own.cluster_error(other.influence - one.influence, cluster)
    own.check(row, one, other, error, rows=22_000)


def test_stretches_of_time_agree_with_independent_rows() -> None:
    preds, target = many(22_000, 8)
    time = np.random.default_rng(9).permutation(22_000).astype(float)
    found = own.compare(preds, target, ["mae"], time=time, horizon=1)
    plain = own.compare(preds, target, ["mae"])
    for model in ("b", "c"):
        wanted = error_of(plain["mae", model])
        error = error_of(found["mae", model], BUCKETS)
        assert error == pytest.approx(wanted, rel=3 * NOISE)


def test_signs_of_buckets_agree_with_the_t_test() -> None:
    preds, target = many(21_000, 10)
    shift = {name: target + (preds[name] - target) * scale
             for name, scale in zip(NAMES, (1.0, 0.95, 0.92), strict=True)}  # fmt: skip
    found = own.compare(shift, target, ["mae"], test="permutation", resamples=4000)
    plain = own.compare(shift, target, ["mae"])
    compared = 0
    for model in ("b", "c"):
        p = plain["mae", model]["p"]
        if p > 1e-3:
            compared += 1
            room = 5 * math.sqrt(p / 4000) + 0.1 * p + 0.01
            assert found["mae", model]["p"] == pytest.approx(p, abs=room)
    assert compared


@pytest.mark.parametrize("how", [{"cluster": "cluster"}, {"time": "cluster"},
                                 {"test": "permutation", "resamples": 200}])  # fmt: skip
def test_of_many_rows_too_nothing_changes_a_byte(how: dict[str, Any]) -> None:
    count = 20_500
    preds, target = many(count, 11)
    preds["b"] = target + (preds["b"] - target) * 0.965  # as good as the other
    rng = np.random.default_rng(12)
    truth = pd.DataFrame({"id": np.arange(count), "target": target,
                          "cluster": rng.permutation(count) * 3.0})  # fmt: skip
    models = {name: pd.DataFrame({"id": np.arange(count), "pred": preds[name]}) for name in "ab"}
    ask = {"losses": ["rmse"], "target_col": "target", "pred_col": "pred", **how}

    def answer(models: Any, **more: Any) -> str:
        return bare(lossctl.compare(models, truth, **ask, **more).to_dict())

    expected = answer(models)
    if "test" in how:
        p = lossctl.compare(models, truth, **ask).records()[1]["p"]
        assert 0.02 < p < 0.98, p
    assert answer(models, block_rows=3001, threads=2) == expected
    keyed = answer(models, on="id")
    moved = {name: frame.iloc[rng.permutation(count)] for name, frame in models.items()}
    assert answer(moved, on="id", block_rows=7000) == keyed


# --- where models come from -------------------------------------------------------------------


def numbers(data: dict[str, Any]) -> Any:
    """The table, with the losses by their names."""
    names = [column["name"] for column in data["table"]["columns"]]
    return [dict(zip(names, row, strict=True)) for row in data["table"]["rows"]]


def test_models_from_anywhere_have_the_same_numbers(tmp_path: Path) -> None:
    diabetes = SAMPLES / "diabetes"
    models = {"ridge": "ridge.csv", "lasso": "models/lasso.csv", "huber": "models/huber.csv"}
    target = ["-t", str(diabetes / "target.csv"), "--target-col", "target", *LOSS]
    words = [f"{name}={diabetes / path}" for name, path in models.items()]
    expected = numbers(called(words, *target, folder=tmp_path))
    assert len(expected) == 3 * len(LOSSES)

    def same(words: list[str], *options: str) -> None:
        assert numbers(called(words, *options, folder=tmp_path)) == expected

    whole = diabetes / "all.parquet"
    same([str(whole), "--pred-col", ",".join(models)], "--target-col", "target", *LOSS)
    same([str(whole), "--pred-col", ",".join(models)], *target)
    same([f"{name}={whole}:{name}" for name in models], *target)
    same([f"{name}={whole}:{name}" for name in models], "--target-col", "target", *LOSS)
    same([words[0], f"lasso={whole}:lasso", words[2]], *target)
    same([words[0], f"lasso={whole}:lasso", f"huber={whole}:huber"], *target, "--on", "id")
    made = []
    for name, path in models.items():
        out = tmp_path / f"{name}.parquet"
        given = [str(diabetes / path), target[1], *target[2:4]]
        assert command(["samples", *given, "--all", "-l", "mae", "-o", str(out), "-q"]) == 0
        made.append(f"{name}={out}:pred")
    same(made, *target)
    same(made, *target[2:])  # every file holds the targets
    out = tmp_path / "together.parquet"
    assert command(["samples", *words, *target[:4], "--all", "-l", "mae", "-o", str(out),
                    "-q"]) == 0  # fmt: skip
    same([str(out), "--pred-col", ",".join(models)], *target)


def test_a_reference_is_the_first(tmp_path: Path) -> None:
    preds, truth = frames(seed=13)
    plain = {name: frame["pred"].to_numpy() for name, frame in preds.items()}
    target = truth["target"].to_numpy()
    turned = own.compare({name: plain[name] for name in "cab"}, target, LOSSES)
    named = own.compare(plain, target, LOSSES, reference="c")
    assert dict(turned.rows) == dict(named.rows)
    first = own.compare(plain, target, LOSSES)
    for spec in LOSSES:
        ours, theirs = named[spec, "a"], first[spec, "c"]
        assert ours["value"] == first[spec, "a"]["value"]
        assert ours["difference"] == -theirs["difference"]
        assert ours["p"] == theirs["p"]


def probabilities(names: list[str], seed: int) -> pd.DataFrame:
    made = np.random.default_rng(seed).dirichlet(np.ones(len(names)), 60)
    return pd.DataFrame(made, columns=[f"p_{name}" for name in names])


def test_classes_in_another_order_are_matched_by_name() -> None:
    names = ["ant", "bee", "cat"]
    labels = np.random.default_rng(14).choice(names, 60)
    truth = pd.DataFrame({"label": labels})
    models = {name: probabilities(names, seed) for seed, name in enumerate("ab")}
    specs = ["scce", "brier", "accuracy"]
    expected = own.compare(models, truth, specs, task="multiclass")
    values = own.multiclass(models["b"].to_numpy(),
                            np.array([names.index(one) for one in labels]), None)  # fmt: skip
    for spec in specs:
        assert expected[spec, "b"]["value"] == own.near(values[spec].value)
    turned = models | {"b": models["b"][["p_cat", "p_ant", "p_bee"]]}
    assert dict(own.compare(turned, truth, specs, task="multiclass").rows) == dict(expected.rows)
    both = {name: frame[["p_cat", "p_ant", "p_bee"]] for name, frame in models.items()}
    again = own.compare(both, truth, specs, task="multiclass")
    for key, row in expected.rows.items():
        assert again[key]["value"] == own.near(row["value"])


def refused(names: list[str]) -> str:
    truth = pd.DataFrame({"label": ["ant", "bee"] * 30})
    models = {"a": probabilities(["ant", "bee", "cat"], 0), "b": probabilities(names, 1)}
    with pytest.raises((lossctl.DataError, lossctl.UsageError)) as error:
        lossctl.compare(models, truth, ["scce"], task="multiclass")
    return str(error.value)


@pytest.mark.parametrize("names", [["ant", "bee", "dog"], ["ant", "bee"],
                                   ["ant", "bee", "cat", "dog"]])  # fmt: skip
def test_other_classes_are_refused(names: list[str]) -> None:
    assert "classes" in refused(names)


@pytest.mark.parametrize("names", [["ant", "bee"], ["ant", "bee", "cat", "dog"]])
def test_other_classes_are_named(names: list[str]) -> None:
    assert "--labels" not in refused(names)


def test_other_targets_are_refused() -> None:
    preds, truth = frames(seed=15)
    models = {name: frame.assign(target=truth["target"]) for name, frame in preds.items()}
    same = report(models, None)
    assert numbers(same) == numbers(report(preds, truth))
    models["c"].loc[9, "target"] += 1.0
    with pytest.raises(lossctl.DataError, match="not the same targets: they differ from row #9"):
        report(models, None)
