"""What a reduction is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from lossctl.arrays import Array
from lossctl.exact import ONE, UNIT, Exact, root_ratio
from lossctl.rounds import Rounds
from lossctl.selection import Like
from lossctl.states import Column, SumsState, TermsOf

Status: TypeAlias = Literal["ok", "infinite", "overflow", "undefined", "not_applicable"]
Without: TypeAlias = Callable[[Any], "float | None"]
Each: TypeAlias = Callable[[Any], Array]

CONFIDENCE = 0.95

TOO_LARGE = "the value is too large for a 64-bit float"
TOO_SPREAD = "its spread is too large for a 64-bit float"
ZERO = "the denominator is zero"


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Values:
    """One loss's values, as a reduction takes them; `output` of several is already chosen."""

    terms: TermsOf  # a = weight * value (squared where the reduction squares), b = weight
    column: Column  # the value itself, unweighted
    weight: Column | None
    moments: bool  # whether an interval is wanted
    diverges: bool  # a value may be mathematically infinite
    low: float  # range of the loss
    high: float
    offset: tuple[float, float] = (0.0, 0.0)  # added once to the sums of a and of b
    like: Like | None = None  # what is known of the rows beforehand
    second: Column | None = None  # the second column, for reductions of several
    third: Column | None = None
    centred: Callable[[float, float], TermsOf] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """The result of a reduction."""

    value: float | None
    status: Status = "ok"
    reason: str | None = None
    count: int = 0
    interval: Interval | None = None
    no_interval: str | None = None
    total: Exact | None = None  # the sum that shares are shares of
    added: Exact = 0  # what no row brings to it
    divisor: Exact | None = None  # what it is divided by
    without: Without | None = None  # the value with one row (a block of it) left out
    each: Each | None = None  # the same of every row of a block in turn, NaN for none: quickly


@dataclass(frozen=True, slots=True)
class Slope:
    """How a value changes with sum(a) / sum(b); `by_rows`: with the mean of a, whatever b is."""

    by: float
    by_rows: bool = False


class Reduction(Protocol):
    """How the rows' values become one."""

    @property
    def name(self) -> str: ...

    @property
    def squares(self) -> bool:
        """Whether the terms are the squares of what the loss returns."""
        ...

    @property
    def pairs(self) -> bool:
        """Whether the loss returns two columns."""
        ...

    @property
    def sums(self) -> bool:
        """Whether the value grows with one sum, to which every row adds its part."""
        ...

    @property
    def additive(self) -> bool:
        """Whether one state serves several outputs."""
        ...

    def rounds(self, values: Values) -> Rounds[Reduced]: ...

    def linear(self, values: Values) -> Rounds[TermsOf | None]:
        """The terms whose sums the value depends on smoothly, near what they are; None where it
        does not."""
        ...

    def slope(self, a: Exact, b: Exact, rows: int, weighing: int) -> Slope:
        """How the value changes with those sums, of so many rows, and such that weigh anything."""
        ...


def unrepresented(infinite: int, diverges: bool, count: int) -> Reduced | None:
    """The result where some rows' values are not finite; None where all are."""
    if not infinite:
        return None
    rows = f"{infinite} row" + ("s" if infinite > 1 else "")
    if diverges:
        verb = "are" if infinite > 1 else "is"
        return Reduced(None, "infinite", f"{rows} {verb} infinite", count)
    return Reduced(None, "overflow", f"{rows} too large for a 64-bit float", count)


def ratio_error(
    state: SumsState, n: int, shift: int = 0, added: tuple[Exact, Exact] = (0, 0)
) -> float:
    """The standard error of sum(a) / sum(b) over `n` rows, from exact second moments (delta
    method), times 2**shift. OverflowError beyond float64's range.

    `added` is what the sums hold that no row brings: the rows' influences (a - V b) / B then do
    not sum to 0, and their mean is taken off.
    """
    # Sums of ordinary values end in thousands of zero bits: without these, products are short.
    held = state.a | state.b | state.aa | state.ab | state.bb | added[0] | added[1] | ONE
    zeros = (held & -held).bit_length() - 1
    a, b = state.a >> zeros, state.b >> zeros
    square = (
        (state.aa >> zeros) * b * b - 2 * (state.ab >> zeros) * a * b + a * a * (state.bb >> zeros)
    )
    drift = (added[0] >> zeros) * b - (added[1] >> zeros) * a
    spread = ((max(square, 0) * n) << (UNIT - zeros)) - drift * drift
    return root_ratio(max(spread, 0), b**4 * (n - 1), shift)
