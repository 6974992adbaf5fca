"""Losses over other losses: weighted sums, and penalties on losses of other families."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl import losses
from lossctl.errors import DataError, UsageError
from lossctl.grammar import nested, parse, parse_all
from lossctl.spec import Spec, make

RNG = np.random.default_rng(5)
PRED, TARGET = RNG.normal(size=(2, 40))
SHARES = RNG.dirichlet(np.ones(4), 40)
LABEL = RNG.integers(0, 4, 40)
POINTS, CENTERS = RNG.normal(size=(40, 3)), RNG.normal(size=(4, 3))
PARAMETERS = np.array([1.0, -2.0])
TERMS = (
    "mse",
    "mae",
    "huber:delta=2",
    "log_cosh",
    "pinball:quantile=0.3",
    "expectile",
    "cauchy:c=0.1",
)


def parts(text: str) -> list[tuple[float, str]]:
    return [(factor, str(spec)) for factor, spec in parse(text).all_settings["terms"].parts]


# --- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written", "terms"),
    [
        ("combine", "combine", [(1.0, "mse")]),
        ("combine:(mse)", "combine", [(1.0, "mse")]),
        ("combine:(mae)", "combine:(mae)", [(1.0, "mae")]),
        ("combine:(huber:delta=2)+0.5*(mae)", None, [(1.0, "huber:delta=2"), (0.5, "mae")]),
        ("combine:terms=(mae)+(mse)", "combine:(mae)+(mse)", [(1.0, "mae"), (1.0, "mse")]),
        ("combine: +(mae) - 1e-3 * (l2) ", "combine:(mae)-0.001*(mse)",
         [(1.0, "mae"), (-0.001, "mse")]),
        ("combine:-(mae)-.5*(mse)+2.*(huber)", "combine:-1*(mae)-0.5*(mse)+2*(huber)",
         [(-1.0, "mae"), (-0.5, "mse"), (2.0, "huber")]),
        ("combine:1e+20*(mae),reduction=sum", "combine:1e+20*(mae),reduction=sum",
         [(1e20, "mae")]),
        ("combine:(tweedie:power=1.5,reduction=mean)+0*(mae)", "combine:(tweedie_deviance)+0*(mae)",
         [(1.0, "tweedie_deviance"), (0.0, "mae")]),
        ("combine:(mae)-2*(combine:(mse)-(mae))", "combine:(mae)-2*(combine:(mse)-1*(mae))",
         [(1.0, "mae"), (-2.0, "combine:(mse)-1*(mae)")]),
        ("combine:(mae)-0*(mse)", "combine:(mae)+0*(mse)", [(1.0, "mae"), (0.0, "mse")]),
        ("combine:(softmax_loss)+0.5*(center)", "combine:(scce)+0.5*(center)",
         [(1.0, "scce"), (0.5, "center")]),
    ],
)  # fmt: skip
def test_texts_are_read_and_written(
    text: str, written: str | None, terms: list[tuple[float, str]]
) -> None:
    spec = parse(text)
    assert str(spec) == (text if written is None else written)
    assert parts(text) == terms
    assert parts(str(spec)) == terms
    assert parse(str(spec)) == spec


factors = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(factors, st.sampled_from(TERMS)), min_size=1, max_size=4))
def test_every_sum_is_written_so_that_it_reads_back(told: list[tuple[float, str]]) -> None:
    text = "".join(f"{'' if factor < 0 else '+'}{factor!r}*({term})" for factor, term in told)
    once = parse("combine:" + text)
    again = parse(str(once))
    assert parts(str(once)) == [(factor, str(parse(term))) for factor, term in told]
    assert (str(again), again) == (str(once), once)


def test_in_a_list_of_specs() -> None:
    texts = "mae,combine:(huber:delta=2)+0.5*(mae),reduction=sum,mse,structural_risk:base=(combine)"
    assert [str(spec) for spec in parse_all([texts])] == [
        "mae", "combine:(huber:delta=2)+0.5*(mae),reduction=sum", "mse",
        "structural_risk:base=combine",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(hubber)", "no loss is called hubber"),
        ("(huber:deltta=1)", "no setting deltta"),
        ("(rmse)+(mae)", "combine adds means, but rmse is reduced by root_mean"),
        ("(mae)+(wape)", "wape is reduced by ratio"),
        ("(mae:reduction=sum)", "mae:reduction=sum is reduced by sum"),
        ("(mae", "brackets"),
        ("(mae))", "brackets"),
        ("(mae)(mse)", "is not a sum"),
        ("(mae)+", "is not a sum"),
        ("(mae)*2", "is not a sum"),
        ("1e999*(mae)", "too large"),
        ("mae", "'mae' is not a setting"),
        ("1.2.3*(mae)", "is not a setting"),
        ("inf*(mae)", "is not a setting"),
        ("()", "no loss is called nothing"),
        ("terms=", "combine needs losses"),
        ("(mae,mse)", "one loss is wanted, not 2"),
        ("(mse)+(scce)", "mse takes pred as value, scce as vector: they cannot be added"),
    ],
)
def test_what_is_no_sum_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as problem:
        parse("combine:" + text)
    assert said in str(problem.value)


# --- values -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.0, 1e3), st.sampled_from(TERMS)),
        min_size=1, max_size=4, unique_by=lambda term: term[1],
    )
)  # fmt: skip
def test_value_and_shares_are_the_weighted_sums(told: list[tuple[float, str]]) -> None:
    text = "combine:" + "+".join(f"{factor!r}*({term})" for factor, term in told)
    rows = len(PRED)
    weight = np.arange(1.0, rows + 1.0)
    report = lossctl.evaluate(PRED, TARGET, [text, *(t for _, t in told)], weight=weight, top=rows)
    found = {result.spec: result for result in report.losses}
    names = [(factor, str(parse(term))) for factor, term in told]
    name = str(parse(text))
    want = math.fsum(factor * found[term].value for factor, term in names)
    assert found[name].value == pytest.approx(want, rel=1e-13)
    if want < 1e-300:
        return
    for row in report.worst.rows:
        added = math.fsum(f * found[t].value * row.shares[t] for f, t in names)
        assert row.shares[name] == pytest.approx(added / want, rel=1e-11, abs=1e-300)


def test_called_directly() -> None:
    values = losses.combine(PRED, TARGET, terms="(huber:delta=2)-0.5*(mae)")
    want = losses.huber(PRED, TARGET, delta=2.0) - 0.5 * losses.mae(PRED, TARGET)
    assert values.tobytes() == want.tobytes()
    assert losses.combine(PRED, TARGET).tobytes() == losses.mse(PRED, TARGET).tobytes()
    assert losses.combine(PRED, target=TARGET, terms="0*(mape)").tolist() == [0.0] * 40
    outputs = np.stack([PRED, TARGET], axis=1)
    both = losses.combine(outputs, outputs[:, ::-1], terms="(mse)+(mae)")
    assert both.tobytes() == losses.combine(PRED, TARGET, terms="(mse)+(mae)").tobytes()
    with pytest.raises(UsageError, match="unknown"):
        losses.combine(PRED, TARGET, tarms="(mae)")
    with pytest.raises(UsageError, match="hubber"):
        losses.combine(PRED, TARGET, terms="(hubber)")


def test_softmax_and_center_loss_together() -> None:
    text = "combine:(softmax_loss)+0.5*(center)"
    spec = parse(text)
    names = [role.name for role in spec.roles]
    assert {"pred", "label", "embedding", "centers"} <= set(names)
    assert spec.scope([*names]) == "row"
    assert spec.scope(["pred", "label", "embedding"]) == "file"
    want = losses.scce(SHARES, LABEL) + 0.5 * losses.center_loss(POINTS, LABEL, CENTERS)
    roles = {"embedding": POINTS, "centers": CENTERS}
    got = losses.combine(SHARES, LABEL, **roles, terms="(softmax_loss)+0.5*(center)")
    assert got.tobytes() == want.tobytes()
    report = lossctl.evaluate(SHARES, LABEL, text, roles=roles)
    assert report.losses[0].value == pytest.approx(want.mean(), rel=1e-14)
    assert not any("not a loss alone" in note.text for note in report.notes)
    alone = lossctl.evaluate(POINTS, LABEL, "center", roles={"centers": CENTERS})
    assert any("not a loss alone" in note.text for note in alone.notes)


def test_a_domain_of_any_term_holds() -> None:
    for terms in ("(mse)+(msle)", "(msle)+(mse)"):
        with pytest.raises(DataError, match="> -1"):
            losses.combine([1.0, -2.0], [0.0, 0.0], terms=terms)
        with pytest.raises(DataError, match="> -1"):
            lossctl.evaluate([1.0, -2.0], [0.0, 0.0], f"combine:{terms}")
        got = losses.combine([1.0, 2.0], [0.0, 0.0], terms=terms)
        assert got.tolist() == (losses.mse([1.0, 2.0], [0.0, 0.0])
                                + losses.msle([1.0, 2.0], [0.0, 0.0])).tolist()  # fmt: skip


def test_terms_that_count_rows_unequally_are_refused() -> None:
    told = {"embedding": POINTS, "centers": CENTERS, "terms": "(scce)+(center)"}
    with pytest.raises(UsageError, match="counts its rows unequally"):
        losses.combine(SHARES, LABEL, class_weight=[1.0, 2.0, 1.0, 1.0], **told)
    with pytest.raises(UsageError, match="info_nce counts its rows unequally"):
        losses.combine(POINTS, LABEL, terms="(info_nce)+(center)")


def test_ranges_follow_the_terms() -> None:
    assert parse("combine:(mse)+0.5*(mae)").shares
    assert not parse("combine:(mse)-0.5*(mae)").shares
    assert not parse("combine:(mse)+(gaussian_nll)").shares
    assert not parse("combine:(cosine:sign=keras)").shares
    assert parse("combine:(cosine)").shares
    assert parse("combine:(mse)+(mape)").diverges
    assert not parse("combine:(mse)+(mae)").diverges


def test_infinite_terms() -> None:
    report = lossctl.evaluate(
        [1.0, 2.0], [0.0, 2.0], ["combine:(mape)+(mae)", "combine:(mape)-(mape:scale=2)"]
    )
    assert [result.status for result in report.losses] == ["infinite", "infinite"]
    assert losses.combine([1.0], [0.0], terms="(mape)-(mape)").tolist() == [math.inf]


# --- structural risk over losses of other families ------------------------------------------------


def _signs() -> np.ndarray:
    return np.sign(TARGET)


@pytest.mark.parametrize(
    ("base", "roles", "values"),
    [
        ("hinge", (PRED, _signs()), losses.hinge(PRED, _signs())),
        ("scce", (SHARES, LABEL), losses.scce(SHARES, LABEL)),
        ("scce:label_smoothing=0.1", (SHARES, LABEL),
         losses.scce(SHARES, LABEL, label_smoothing=0.1)),
        ("combine:(mse)+2*(mae)", (PRED, TARGET),
         losses.mse(PRED, TARGET) + 2.0 * losses.mae(PRED, TARGET)),
    ],
)  # fmt: skip
def test_structural_risk_over(base: str, roles: tuple[np.ndarray, ...], values: np.ndarray) -> None:
    got = losses.structural_risk(*roles, parameters=PARAMETERS, base=base)
    assert got.tobytes() == values.tobytes()
    text = f"structural_risk:base=({base}),l2=0.5"
    spec = parse(text)
    assert [role.name for role in spec.roles] == [r.name for r in parse(base).roles] + [
        "parameters"
    ]
    assert parse(str(spec)) == spec
    report = lossctl.evaluate(*roles, text, roles={"parameters": PARAMETERS})
    assert report.losses[0].value == pytest.approx(values.mean() + 0.5 * 5.0, rel=1e-14)
    assert report.losses[0].penalty == 2.5


def test_structural_risk_has_what_its_base_has() -> None:
    center = make(losses.structural_risk, {"base": "center"})
    assert center.scope(["embedding", "label", "parameters"]) == "file"
    assert center.scope(["embedding", "label", "centers", "parameters"]) == "row"
    assert parse("structural_risk:base=mape").diverges
    assert not parse("structural_risk:base=mse").diverges
    with pytest.raises(DataError, match="-1"):
        losses.structural_risk([0.5, 0.5], [3.0, 1.0], parameters=PARAMETERS, base="hinge")
    weights = {"class_weight": [1.0, 2.0, 3.0, 4.0]}
    weighted = losses.structural_risk(SHARES, LABEL, **weights, parameters=PARAMETERS, base="scce")
    assert weighted.tobytes() == losses.scce(SHARES, LABEL, **weights).tobytes()


def test_nested_losses_may_be_given_as_specs() -> None:
    spec = parse("huber:delta=2")
    assert isinstance(spec, Spec)
    values = losses.structural_risk(PRED, TARGET, PARAMETERS, base=spec)
    assert values.tobytes() == losses.huber(PRED, TARGET, delta=2.0).tobytes()
    total = nested("(huber:delta=2)", terms=True)
    assert losses.combine(PRED, TARGET, terms=total).tobytes() == values.tobytes()
