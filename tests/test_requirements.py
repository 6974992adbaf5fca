"""The texts of requirements: read, written, refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.errors import UsageError
from lossctl.gates.requirement import (
    COMPARISONS,
    EXAMPLES,
    Quantity,
    Requirement,
    of_option,
    parse,
)
from lossctl.where import Condition

LOSSES = ("rmse", "mae", "huber:delta=2", "r2", "bias", "pinball:quantile=0.9,scale=2",
          "structural_risk:base=(huber:delta=2)", "combine:(mse)+0.5*(mae)")  # fmt: skip
ABOVE_ZERO = ("rmse", "mae", "huber:delta=2")

texts = st.text(min_size=1, max_size=12).filter(
    lambda text: not ({"'", '"'} <= set(text)) and text == text.strip()
)
columns = st.text("abcXYZ_0129 .-é", min_size=1, max_size=8).filter(lambda t: t == t.strip())
conditions = st.builds(
    Condition, columns, st.sampled_from(["==", "!=", ">=", "<=", "<", ">"]), texts
)
slices = st.lists(conditions, max_size=3).map(tuple)
finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    function = draw(st.sampled_from(
        ["", "abs", "median", "min", "max", "p95", "p99.9", "increase", "regressed_rows", "rows",
         "dropped"]
    ))  # fmt: skip
    where = draw(slices)
    comparison = draw(st.sampled_from(COMPARISONS))
    limit, percent = draw(finite), False
    if function in ("rows", "dropped", "regressed_rows"):
        limit = abs(limit) + 0.0
    if function in ("dropped", "increase", "regressed_rows"):
        comparison = draw(st.sampled_from(("<=", "<")))
        percent = draw(st.booleans())
    if function == "dropped":
        where = ()
    loss = "" if function in ("rows", "dropped") else draw(st.sampled_from(LOSSES))
    if function == "increase" and percent:
        loss = draw(st.sampled_from(ABOVE_ZERO))
    if function == "regressed_rows" and draw(st.booleans()):
        loss = ""
    beyond = draw(st.floats(0.0, 1e9)) if function == "regressed_rows" and loss else 0.0
    if percent:  # per cent are written with as many digits as a fraction has
        limit = draw(st.decimals(0, 1000, places=4)).__float__() / 100
    return Requirement(Quantity(function, loss, beyond, where), comparison, limit, percent)


@given(requirements())
def test_what_is_written_reads_back(one: Requirement) -> None:
    again = parse(str(one))
    assert again == one
    assert str(again) == str(one)


@given(st.integers(0, 10**6), st.sampled_from([1, 10, 100, 1000]))
def test_percentages_take_decimals(whole: int, parts: int) -> None:
    text = repr(whole / parts)
    one = parse(f"increase(mae) <= {text}%")
    assert one.percent
    assert math.isclose(one.limit, whole / parts / 100, rel_tol=1e-15)
    assert parse(str(one)).limit == one.limit


@pytest.mark.parametrize(
    ("option", "text", "means"),
    [
        ("max", "rmse=3.2", "rmse <= 3.2"),
        ("max", " rmse = 3.2 ", "rmse <= 3.2"),
        ("max", "huber:delta=2=3.2", "huber:delta=2 <= 3.2"),
        ("max", "p95(mae)=3", "p95(mae) <= 3"),
        ("max", "rmse@region=EU=0.4", "rmse@region=EU <= 0.4"),
        ("max", "zero_one=5%", "zero_one <= 5%"),
        ("max", "bias=5", "abs(bias) <= 5"),
        ("max", "bias@a=b=5", "abs(bias)@a=b <= 5"),
        ("min", "r2=0.8", "r2 >= 0.8"),
        ("min", "bias=-5", "bias >= -5"),
        ("require", "p95(abs_error) < 3", "p95(abs_error) < 3"),
        ("require", "rmse@region=EU<0.4", "rmse@region=EU < 0.4"),
        ("require", "rmse@age>=50 & sex = 2 < 4", "rmse@age>=50&sex=2 < 4"),
        ("max-increase", "mae=2%", "increase(mae) <= 2%"),
        ("max-increase", "mae=0.05%", "increase(mae) <= 0.05%"),
        ("max-increase", "r2=0.02", "increase(r2) <= 0.02"),
        ("max-increase", "mae@region=EU=-2.5%", "increase(mae)@region=EU <= -2.5%"),
        ("max-regressed-rows", "10", "regressed_rows <= 10"),
        ("max-regressed-rows", "0.1%", "regressed_rows <= 0.1%"),
        ("max-regressed-rows", "zero_one=3", "regressed_rows(zero_one) <= 3"),
        ("max-row-loss", "mae=5", "max(mae) <= 5"),
        ("max-dropped", "1%", "dropped <= 1%"),
        ("max-dropped", "12", "dropped <= 12"),
        ("min-samples", "100", "rows >= 100"),
    ],
)
def test_options_are_short_for_requirements(option: str, text: str, means: str) -> None:
    made = of_option(option, text, "option")
    assert str(made) == means
    assert made == replace(parse(means), source="option")
    assert of_option(f"warn-{option}", text, "here") == replace(made, warning=True, source="here")


@pytest.mark.parametrize("option", EXAMPLES)
def test_the_example_of_every_option_is_right(option: str) -> None:
    assert parse(str(of_option(option, EXAMPLES[option], "option")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rmse", "compares nothing"),
        ("", "compares nothing"),
        ("rmse < nan", "it is a finite number"),
        ("rmse < inf", "it is a finite number"),
        ("rmse < -inf", "it is a finite number"),
        ("rmse < 1e999", "it is a finite number"),
        ("rmse < ", "it is a finite number"),
        ("rmse < 3,2", "it is a finite number"),
        ("rmse < 0x10", "it is a finite number"),
        ("rmse < 1_000", "it is a finite number"),
        ("rmse < %", "it is a finite number"),
        ("rmse == 3", "compares by =="),
        ("rmse != 3", "compares by !="),
        ("rmsee < 3", "nearest: rmse"),
        ("< 3", "names no loss"),
        ("p95(maee) < 3", "nearest: mae"),
        ("huber:delta=-1 < 3", "delta"),
        ("p101(mae) < 3", "no statistic is called 'p101'"),
        ("medain(mae) < 3", "nearest: median"),
        ("foo(mae) < 3", "there are abs"),
        ("rmse@region < 3", "no slice COLUMN=VALUE"),
        ("rmse@region=EU&site < 3", "no slice COLUMN=VALUE"),
        ("rmse@a=b@c=d < 3", "more than one @"),
        ("increase(mae) >= 2%", "compare it by <="),
        ("dropped > 2", "compare it by <="),
        ("increase(r2) <= 2%", "give the margin in its own unit"),
        ("increase(bias) <= 2%", "give the margin in its own unit"),
        ("rows >= 5%", "write a number"),
        ("rows >= -1", "never below 0"),
        ("regressed_rows <= -1", "never below 0"),
        ("regressed_rows(mae, -1) <= 1", "at least 0"),
        ("dropped@a=b <= 1", "have no slice"),
        ("rmse,mae < 3", "one loss is wanted"),
    ],
)
def test_what_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("max", "rmse", "write it rmse=3.2"),
        ("max", "=3", "write it rmse=3.2"),
        ("max", "rmse=nan", "it is a finite number"),
        ("min-samples", "1%", "write a number"),
        ("max-increase", "mae", "write it mae=2%"),
        ("max-row-loss", "5", "write it mae=5"),
        ("max-regressed-rows", "many", "it is a finite number"),
        ("max-dropped", "nan%", "it is a finite number"),
        ("require", "rmse", "compares nothing"),
    ],
)
def test_options_that_cannot_be_are_refused_by_their_names(
    option: str, text: str, said: str
) -> None:
    for name in (option, f"warn-{option}"):
        with pytest.raises(UsageError) as refused:
            of_option(name, text, "option")
        assert said in str(refused.value)
        assert str(refused.value).startswith(f"--{name} ")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for made in (text, f"rmse{text} < 3", f"rmse@{text} < 3", f"p{text}(mae) < 1", f"mae < {text}"):
        try:
            one = parse(made)
        except UsageError:
            continue
        assert parse(str(one)) == one
        assert math.isfinite(one.limit)


@given(requirements(), st.floats())
def test_nan_holds_nowhere(one: Requirement, value: float) -> None:
    assert not one.holds(math.nan)
    opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
    if not math.isnan(value):
        assert one.holds(value) != replace(one, comparison=opposite[one.comparison]).holds(value)
