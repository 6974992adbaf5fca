"""The texts of requirements: `rmse <= 3.2`, `p95(mae)@region=EU < 3`, `increase(mae) <= 2%`.

What is read here is what a `Requirement` writes, each the inverse of the other.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from lossctl.errors import UsageError, quoted
from lossctl.grammar import parse as loss_of
from lossctl.spec import written
from lossctl.where import Condition, parted
from lossctl.where import parse as condition_of

OF_ROWS = ("median", "min", "max")  # and p0 to p100: statistics of the rows' values of a loss
AGAINST = ("increase", "regressed_rows")  # what needs a baseline
COUNTS = ("rows", "dropped")  # what needs no loss
FUNCTIONS = ("abs", *OF_ROWS, *AGAINST)
COMPARISONS = ("<=", ">=", "<", ">")

_COMPARISON = re.compile(r"<=|>=|==|!=|<|>")
_CALL = re.compile(r"\s*([A-Za-z_][\w.]*)\s*\((.*)\)\s*", re.DOTALL)
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is compared with a limit: a loss, or a `function` of it, of the rows for which all
    conditions hold.

    `beyond`: of regressed_rows, by how much a row's loss must have grown to count.
    """

    function: str = ""
    loss: str = ""
    beyond: float = 0.0
    where: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        text = self.function or self.loss
        if self.function and self.loss:
            inner = self.loss + (f", {written(self.beyond)}" if self.beyond else "")
            text = f"{self.function}({inner})"
        return text + ("@" + "&".join(map(str, self.where)) if self.where else "")

    @property
    def percentile(self) -> float | None:
        """The share of the rows whose values are at most this statistic; None of others."""
        known = {"min": 0.0, "median": 0.5, "max": 1.0}
        match = _PERCENTILE.fullmatch(self.function)
        return float(match[1]) / 100.0 if match else known.get(self.function)

    @property
    def against(self) -> bool:
        """Whether it needs a baseline."""
        return self.function in AGAINST


@dataclass(frozen=True, slots=True)
class Requirement:
    """A quantity and its limit, a fraction where it is written as per cent. `warning`: one that
    blocks nothing. `source` says where it was written."""

    quantity: Quantity
    comparison: str
    limit: float
    percent: bool = False
    warning: bool = False
    source: str = "option"

    def __str__(self) -> str:
        return f"{self.quantity} {self.comparison} {self.limit_text}"

    @property
    def limit_text(self) -> str:
        """The limit as it is written: 2%, 3.2."""
        return f"{_hundredfold(self.limit)}%" if self.percent else written(float(self.limit))

    def holds(self, value: float) -> bool:
        """Whether a value is within the limit; NaN never is."""
        if self.comparison == "<":
            return value < self.limit
        if self.comparison == "<=":
            return value <= self.limit
        return value > self.limit if self.comparison == ">" else value >= self.limit


def parse(text: str) -> Requirement:
    """The requirement that a text stands for. Raises UsageError for anything else: an unknown loss
    or function, a limit that is not a finite number."""
    found = list(_COMPARISON.finditer(text))
    if not found:
        raise UsageError(f"{quoted(text)} compares nothing with a limit", "write it 'rmse < 0.4'")
    last = found[-1]
    if last.group() not in COMPARISONS:
        raise UsageError(f"{quoted(text)} compares by {last.group()}",
                         f"a limit is compared by {', '.join(COMPARISONS)}")  # fmt: skip
    left, right = text[: last.start()], text[last.end() :]
    limit, percent = limit_of(right, text)
    quantity = quantity_of(left, text)
    made = Requirement(quantity, last.group(), limit, percent)
    _check(made, text)
    return made


def limit_of(text: str, within: str) -> tuple[float, bool]:
    """A limit: a number, or a percentage as a fraction. Raises UsageError unless it is finite."""
    number = text.strip()
    percent = number.endswith("%")
    number = number.removesuffix("%").strip()
    if not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
        raise UsageError(f"the limit in {quoted(within)} is {quoted(text.strip())}",
                         "it is a finite number, such as 0.4 or 2.5%")  # fmt: skip
    return (_hundredth(number), True) if percent else (float(number), False)


def quantity_of(text: str, within: str) -> Quantity:
    """What stands before the comparison. Raises UsageError."""
    head, *rest = parted(text, "@")
    if len(rest) > 1:
        raise UsageError(f"{quoted(within)} has more than one @", "join conditions by &")
    conditions = tuple(_condition_of(one, within) for part in rest for one in parted(part, "&"))
    match = _CALL.fullmatch(head)
    name = head.strip()
    if name in COUNTS or name == "regressed_rows":
        return Quantity(name, where=conditions)
    if match is None:
        if not name:
            raise UsageError(f"{quoted(within)} names no loss")
        return Quantity("", _loss(name), where=conditions)
    function, inside = match[1], match[2].strip()
    if not _known(function):
        raise _unknown(function)
    beyond = 0.0
    if function == "regressed_rows":
        inside, comma, by = inside.rpartition(",")
        if not comma or not _NUMBER.fullmatch(by.strip()):  # a setting of the loss, if anything
            inside = inside + comma + by
        else:
            beyond = limit_of(by, within)[0]
    if beyond < 0.0:
        raise UsageError(f"{quoted(within)}: rows regress by at least 0, not {written(beyond)}")
    return Quantity(function, _loss(inside), beyond, conditions)


def _known(function: str) -> bool:
    match = _PERCENTILE.fullmatch(function)
    return function in FUNCTIONS or (match is not None and float(match[1]) <= 100.0)


def _unknown(function: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(function, FUNCTIONS, n=2)
    there = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(FUNCTIONS)}"
    return UsageError(f"no statistic is called {quoted(function)}", f"{there}, p0 to p100")


def _loss(text: str) -> str:
    """The text of a loss that exists, without blanks at its ends. Raises UsageError."""
    loss_of(text.strip())
    return text.strip()


def _check(made: Requirement, text: str) -> None:
    """What cannot be meant. Raises UsageError."""
    quantity = made.quantity
    function = quantity.function
    if function in ("rows", "dropped", "regressed_rows") and made.limit < 0:
        raise UsageError(f"{quoted(text)}: a number of rows is never below 0")
    if function == "rows" and made.percent:
        raise UsageError(f"{quoted(text)}: rows are counted", "write a number")
    if function == "dropped" and quantity.where:
        raise UsageError(f"{quoted(text)}: dropped rows have no slice", "leave out what follows @")
    above = made.comparison in (">", ">=")
    if (quantity.against or function == "dropped") and above:
        raise UsageError(f"{quoted(text)} would have {function} be large", "compare it by <=")
    spec = loss_of(quantity.loss) if quantity.loss else None
    if spec is None or not made.percent or function != "increase":
        return
    if not spec.scaled:
        raise UsageError(
            f"{quoted(text)}: a percentage of {spec.loss.label} means nothing: 0 is not its best",
            f"give the margin in its own unit: increase({quantity.loss}) <= 0.02",
        )


def _condition_of(text: str, within: str) -> Condition:
    try:
        return condition_of(text)
    except UsageError:
        raise UsageError(f"{quoted(within)}: {quoted(text.strip())} is no slice COLUMN=VALUE",
                         "as in rmse@region=EU < 0.4, joined by &") from None  # fmt: skip


def _hundredth(number: str) -> float:
    """A percentage as the fraction nearest to it: 2.3 is 0.023, and no digit more."""
    from decimal import Decimal

    return float(Decimal(number) / 100)


def _hundredfold(fraction: float) -> str:
    """The inverse."""
    from decimal import Decimal

    percent = Decimal(repr(fraction)) * 100
    return f"{percent.normalize():f}" if abs(percent) < 10**15 else str(percent)


# --- options as requirements -------------------------------------------------------------------


def of_option(name: str, text: str, source: str) -> Requirement:
    """The requirement that an option such as `--max rmse=3.2` or `--warn-min r2=0.8` stands for.
    Raises UsageError."""
    kind = name.removeprefix("warn-")
    try:
        made = parse(_spelt(kind, text.strip()))
    except UsageError as problem:
        raise UsageError(f"--{name} {text}: {problem}") from None
    return replace(made, warning=name.startswith("warn-"), source=source)


def _spelt(kind: str, text: str) -> str:
    """The option's text as a requirement."""
    if kind == "require":
        return text
    if kind == "min-samples":
        return f"rows >= {text}"
    if kind == "max-dropped":
        return f"dropped <= {text}"
    head, equals, limit = text.rpartition("=")
    if kind == "max-regressed-rows" and not equals:
        return f"regressed_rows <= {text}"
    if not equals or not head.strip():
        raise UsageError("no limit is given", f"write it {EXAMPLES[kind]}")
    name, *where = parted(head, "@")
    slices = "".join("@" + one for one in where)
    if kind == "max-increase":
        return f"increase({name}){slices} <= {limit}"
    if kind == "max-regressed-rows":
        return f"regressed_rows({name}){slices} <= {limit}"
    if kind == "max-row-loss":
        return f"max({name}){slices} <= {limit}"
    if kind == "max" and quantity_of(name, text).function == "":
        signed = loss_of(name.strip()).direction == "zero"  # -100 is not within a bias of 5
        return f"{f'abs({name})' if signed else name}{slices} <= {limit}"
    return f"{head} {'<=' if kind == 'max' else '>='} {limit}"


EXAMPLES = {
    "max": "rmse=3.2",
    "min": "r2=0.8",
    "require": "p95(mae) < 3",
    "max-increase": "mae=2%",
    "max-regressed-rows": "10",
    "max-row-loss": "mae=5",
    "max-dropped": "1%",
    "min-samples": "100",
}  # the options that state requirements, each with an example
