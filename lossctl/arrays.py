"""Arrays, and the domains of the roles that losses take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[Any]  # float64, or int64/uint64 where float64 could not hold a value
Mask: TypeAlias = NDArray[np.bool_]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows of unequal length: row i is `values[offsets[i]:offsets[i + 1]]`.

    Values are numbers, or vectors of one length (shape (total, k)). A sequence of text holds its
    code points as uint32 (see `sequences`).
    """

    values: Numbers
    offsets: Integers

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, index: int) -> Numbers:
        """The values of one row."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def owners(self, places: Any) -> Integers:
        """The rows to which the values at these places belong."""
        rows: Integers = np.searchsorted(self.offsets, places, side="right") - 1
        return rows

    def take(self, keep: NDArray[Any]) -> Ragged:
        """The rows that `keep` (indices or a mask) selects, in that order."""
        chosen = np.flatnonzero(keep) if keep.dtype == bool else keep
        lengths = np.diff(self.offsets)[chosen]
        offsets = offsets_of(lengths)
        places = np.repeat(self.offsets[:-1][chosen] - offsets[:-1], lengths)
        return Ragged(self.values[places + np.arange(offsets[-1])], offsets)

    def slice(self, start: int, stop: int) -> Ragged:
        """Rows `start` up to `stop`."""
        offsets = self.offsets[start : stop + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    @classmethod
    def join(cls, parts: list[Ragged]) -> Ragged:
        """The rows of `parts`, one after another."""
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(concatenated([part.values for part in parts]), offsets_of(lengths))


def offsets_of(lengths: Any) -> Integers:
    """The offsets of rows of these lengths, laid one after another."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def concatenated(parts: list[Numbers]) -> Numbers:
    """Blocks of one column as one.

    Beside integers that float64 cannot hold, its other blocks hold whole numbers, and NaN only
    where a value is missing, so that they become integers without loss: uint64 where one block
    needs it, as none is then negative.
    """
    dtypes = {part.dtype for part in parts} - {np.dtype(np.float64)}
    # Floats; or code points or bytes, which are no numbers.
    if not dtypes or dtypes in ({np.dtype(np.uint32)}, {np.dtype(np.uint8)}):
        return np.concatenate(parts)
    over = any(part.dtype.kind == "f" and bool((part >= 2.0**63).any()) for part in parts)
    unsigned = over or np.dtype(np.uint64) in dtypes
    exact = np.dtype(np.uint64 if unsigned else np.int64)
    whole = (
        part if part.dtype.kind in "iu" else np.where(np.isnan(part), 0, part) for part in parts
    )
    return np.concatenate([part.astype(exact) for part in whole])


Shape: TypeAlias = Literal["value", "one", "vector", "either", "ragged", "text", "whole"]


@dataclass(frozen=True, slots=True)
class RowRule:
    """What the values of one row must be together; `warning`: said, and used as they are."""

    words: str
    broken: Callable[[Numbers], Mask]
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a role may take, and the shape in which they come.

    `shape` is what one row holds: `value` (one number, or one per output), `one` (one number),
    `vector` (k numbers that belong together), `either` (one number or a vector), `ragged` (any
    number of numbers, or of vectors where there is an axis), `text` (a sequence: a text, a list
    of words, or a list of numbers), or `whole`: the role is not row-aligned and is handed over
    as one array (parameters, training series, class vectors).
    `axes` names the axes of a vector, of the vectors of a ragged row, or of a whole role: equal
    names are equally long in all roles of a loss. `indexes` names the axis that whole numbers
    count along. `besides` are further values allowed; of `choices` one set holds all values.
    Infinity lies outside every domain unless `infinite`; NaN lies outside all.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    integral: bool = False
    infinite: bool = False
    shape: Shape = "value"
    width: int | None = None  # of a vector, where the loss fixes it
    axes: tuple[str, ...] = ()
    indexes: str | None = None
    besides: tuple[float, ...] = ()
    choices: tuple[tuple[float, ...], ...] = ()
    row: RowRule | None = None

    def above(self, low: float, *, inclusive: bool = False) -> Domain:
        """This domain with another lower end."""
        return replace(self, low=low, low_open=not inclusive)

    def spans(self, values: Numbers) -> bool:
        """Whether the smallest and the largest already show that all values lie inside."""
        if self.infinite or self.integral or self.choices or values.size == 0:
            return False
        least, most = values.min(), values.max()
        if not (-math.inf < least and most < math.inf):
            return False
        above = least > self.low if self.low_open else least >= self.low
        return bool(above and (most < self.high if self.high_open else most <= self.high))

    def outside(self, values: Numbers) -> Mask:
        """Which values lie outside (NaN is not asked about here)."""
        bad: Mask = np.zeros(values.shape, dtype=bool)
        if not self.infinite and values.dtype.kind == "f":
            bad |= np.isinf(values)
        if self.low > -math.inf:
            bad |= values <= self.low if self.low_open else values < self.low
        if self.high < math.inf:
            bad |= values >= self.high if self.high_open else values > self.high
        if self.integral and values.dtype.kind == "f":
            bad |= np.isfinite(values) & (values != np.trunc(values))
        if self.choices:
            bad |= ~np.isin(values, sorted(set().union(*self.choices)))
        if self.besides:
            bad &= ~np.isin(values, self.besides)
        return bad

    def mixed(self, values: Numbers) -> bool:
        """Whether no single one of the `choices` holds all the values."""
        if not self.choices or values.size == 0:
            return False
        return not any(np.isin(values, choice).all() for choice in self.choices)

    def rule(self) -> str:
        """The condition in words, as an error message needs it: `≥ 0`, `in [0, 1)`."""
        if self.choices:
            sets = [", ".join(f"{value:g}" for value in choice) for choice in self.choices]
            return "from " + " or all from ".join(f"{{{one}}}" for one in sets)
        kind = "a whole number" if self.integral else ""
        if self.low > -math.inf and self.high < math.inf:
            left, right = "(" if self.low_open else "[", ")" if self.high_open else "]"
            bounds = f"in {left}{self.low:g}, {self.high:g}{right}"
        elif self.low > -math.inf:
            bounds = f"{'>' if self.low_open else '≥'} {self.low:g}"
        elif self.high < math.inf:
            bounds = f"{'<' if self.high_open else '≤'} {self.high:g}"
        else:
            bounds = ""
        return " ".join(part for part in (kind, bounds) if part) or "finite"


def domain_of(role: Any) -> Domain:
    """The domain in a role's annotation: `domain_of(Probability)`."""
    return next(part for part in get_args(role) if isinstance(part, Domain))


def _sum_off(values: Numbers) -> Mask:
    """Rows whose sum differs from 1 by more than the square root of the rounding unit."""
    total = values[..., 0].astype(np.float64)
    for column in range(1, values.shape[-1]):
        total = total + values[..., column]
    off: Mask = np.abs(total - 1.0) > math.sqrt(np.finfo(np.float64).eps)
    return off


def _empty(values: Numbers) -> Mask:
    return np.asarray((values <= 0.0).all(axis=-1))


def _corners_crossed(values: Numbers) -> Mask:
    crossed: Mask = (values[..., 0] > values[..., 2]) | (values[..., 1] > values[..., 3])
    return crossed


POSITIVE_SUM = RowRule("rows with a positive sum", _empty)
SUMS_TO_ONE = RowRule("rows that sum to 1", _sum_off, warning=True)
ORDERED_CORNERS = RowRule("x1 ≤ x2 and y1 ≤ y2", _corners_crossed)

# --- one value a row, or one per output --------------------------------------------------------
Real: TypeAlias = Annotated[Array, Domain("real")]
NonNegative: TypeAlias = Annotated[Array, Domain("non-negative", low=0.0)]
Positive: TypeAlias = Annotated[Array, Domain("positive", low=0.0, low_open=True)]
AboveMinusOne: TypeAlias = Annotated[Array, Domain("above -1", low=-1.0, low_open=True)]
Probability: TypeAlias = Annotated[Array, Domain("probability", low=0.0, high=1.0)]
Logit: TypeAlias = Annotated[Array, Domain("logit", infinite=True)]
Sign: TypeAlias = Annotated[Array, Domain("sign", choices=((-1.0, 1.0), (0.0, 1.0)))]

# --- one value a row ---------------------------------------------------------------------------
Label: TypeAlias = Annotated[
    Array, Domain("label", low=0.0, integral=True, shape="one", indexes="classes")
]
Category: TypeAlias = Annotated[Array, Domain("category", infinite=True, shape="either")]
Count: TypeAlias = Annotated[Array, Domain("count", low=0.0, integral=True, shape="one")]

# --- vectors -----------------------------------------------------------------------------------
Simplex: TypeAlias = Annotated[
    Array,
    Domain("simplex", low=0.0, high=1.0, shape="vector", axes=("classes",), row=SUMS_TO_ONE),
]
Masses: TypeAlias = Annotated[
    Array, Domain("masses", low=0.0, shape="vector", axes=("classes",), row=SUMS_TO_ONE)
]
Logits: TypeAlias = Annotated[
    Array, Domain("logits", infinite=True, shape="vector", axes=("classes",))
]
Scores: TypeAlias = Annotated[Array, Domain("scores", shape="vector", axes=("classes",))]
Pixels: TypeAlias = Annotated[
    Array, Domain("pixels", low=0.0, high=1.0, shape="vector", axes=("pixels",))
]
Box: TypeAlias = Annotated[Array, Domain("box", shape="vector", width=4, row=ORDERED_CORNERS)]
Vector: TypeAlias = Annotated[Array, Domain("vector", shape="vector", axes=("dimensions",))]
Members: TypeAlias = Annotated[Array, Domain("members", shape="vector", axes=("members",))]

# --- rows of unequal length --------------------------------------------------------------------
Tokens: TypeAlias = Annotated[
    Ragged, Domain("tokens", low=0.0, integral=True, shape="ragged", indexes="symbols")
]
Frames: TypeAlias = Annotated[
    Ragged, Domain("frames", infinite=True, shape="ragged", axes=("symbols",))
]
Text: TypeAlias = Annotated[Ragged, Domain("text", shape="text")]

# --- not row-aligned ---------------------------------------------------------------------------
Whole: TypeAlias = Annotated[Array, Domain("whole", shape="whole")]
ClassWeights: TypeAlias = Annotated[
    Array, Domain("class weights", low=0.0, shape="whole", axes=("classes",))
]
ClassVectors: TypeAlias = Annotated[
    Array, Domain("class vectors", shape="whole", axes=("classes", "dimensions"))
]


_EXACT = 1 << 53  # every integer up to here is a float64


def widened(values: NDArray[Any]) -> Numbers:
    """Booleans, integers and floats as C-contiguous float64, each value exact.

    An integer array with a value that float64 cannot hold comes back as int64 or uint64.
    """
    kind = values.dtype.kind
    if kind in "iu" and values.dtype.itemsize == 8 and not held(values):
        return np.ascontiguousarray(values, dtype=np.int64 if kind == "i" else np.uint64)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return np.ascontiguousarray(values, dtype=np.float64)


def held(values: NDArray[Any]) -> bool:
    """Whether float64 holds every value of a 64-bit integer array."""
    if values.size == 0 or (values.min() >= -_EXACT and values.max() <= _EXACT):
        return True
    nearest = values.astype(np.float64)
    top = 2.0 ** (63 if values.dtype.kind == "i" else 64)
    inside = nearest < top
    return bool(inside.all() and (nearest.astype(values.dtype.newbyteorder("=")) == values).all())
