"""Requirements and outcomes in words."""

from __future__ import annotations

from lossctl.analyses.wording import percent, short
from lossctl.errors import inert
from lossctl.gates.requirement import Quantity, Requirement
from lossctl.report import Json, said_name

BY = {"<=": "at most", ">=": "at least", "<": "below", ">": "above"}
WORST = "; worst "  # before the rows that make a value
BROKEN = {"<=": "above", ">=": "below", "<": "not below", ">": "not above"}


def said(one: Requirement, baseline: str, down: bool = False) -> str:
    """A requirement in words: `mae at most +2 % over ridge where region = EU`. `down`: the loss is
    better when larger, so that it is worse below the baseline."""
    quantity = one.quantity
    limit = one.limit_text.replace("%", " %")
    if quantity.function == "increase":
        side = "below" if down else "over"
        text = f"{quantity.loss} {BY[one.comparison]} {limit} {side} {baseline}"
        if not down and one.limit > 0.0:
            text = f"{quantity.loss} {BY[one.comparison]} +{limit} {side} {baseline}"
    else:
        text = f"{named(quantity, baseline)} {BY[one.comparison]} {limit}"
    return text + where(quantity)


def named(quantity: Quantity, baseline: str) -> str:
    """A quantity in words, without its slice."""
    if quantity.function == "rows":
        return "rows"
    if quantity.function == "dropped":
        return "dropped rows"
    if quantity.function == "regressed_rows":
        by = f" by {quantity.loss}" if quantity.loss else ""
        more = f", by more than {short(quantity.beyond)}" if quantity.beyond else ""
        return f"rows worse than {baseline}{by}{more}"
    return f"{quantity.function}({quantity.loss})" if quantity.function else quantity.loss


def where(quantity: Quantity) -> str:
    """` where region = EU`; nothing of all rows."""
    if not quantity.where:
        return ""
    each = (
        f"{inert(one.column)} {'=' if one.operator == '==' else one.operator} {inert(one.value)}"
        for one in quantity.where
    )
    return " where " + " and ".join(each)


def amount(value: float, as_percent: bool, digits: int | None = None) -> str:
    """A number, or a fraction as per cent: to that many digits, without zeros at its end."""
    shown = 100.0 * value if as_percent else value
    whole = len(f"{abs(shown):.0f}") if 99.5 <= abs(shown) < 1e12 else 0
    number = f"{shown:.{max(digits or (2 if as_percent else 4), whole)}g}"
    return f"{number} %" if as_percent else number


def apart(value: float, limit: float, as_percent: bool) -> tuple[str, str]:
    """Both as text, to as many digits as tell them apart."""
    pair = amount(value, as_percent), amount(limit, as_percent)
    for digits in range(3 if as_percent else 5, 18):
        if pair[0] != pair[1] or value == limit:
            break
        pair = amount(value, as_percent, digits), amount(limit, as_percent, digits)
    return pair


def who(rows: tuple[Json, ...]) -> str:
    """`; worst #371 (3.6e+06, 38 %), #17 (...)`: the rows that make a value."""
    if not rows:
        return ""
    return WORST + ", ".join(_row(one) for one in rows)


def _row(one: Json) -> str:
    told = []
    if one.get("worse") is not None:
        told.append(f"+{short(one['worse'])}")
    elif one.get("value") is not None:
        told.append(short(one["value"]))
    if one.get("share") is not None:
        told.append(percent(one["share"]))
    name = said_name(one["row"], one["id"])
    return f"{name} ({', '.join(told)})" if told else name
