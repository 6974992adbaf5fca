"""One sample worked out by the loss itself: an example from the domains, or what the user gives.

The example's numbers follow from the domains alone. Where a value depends on other rows there
are three rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Array, Ragged
from lossctl.errors import DataError, UsageError, quoted
from lossctl.reductions.additive import Additive
from lossctl.reductions.ordered import Maximum, Median
from lossctl.roles import Role, check_columns
from lossctl.spec import Spec

SEVERAL = 3  # rows of an example whose values depend on other rows


@dataclass(frozen=True, slots=True)
class Point:
    """Values of the roles, what each row adds, the loss of these rows alone, and the gradient in
    the first role (nested as its values are)."""

    roles: dict[str, Any]
    rows: int
    adds: tuple[float, ...]
    value: float | None
    gradient: Any = None


def required(spec: Spec) -> tuple[Role, ...]:
    """The roles that must be given."""
    return tuple(role for role in spec.roles if not role.optional)


def scope_of(spec: Spec) -> str:
    """How many rows a value depends on, where only the required roles are given."""
    return spec.scope([role.name for role in required(spec)])


def needs_several(spec: Spec) -> bool:
    """Whether one row alone has no value, or not one that says anything."""
    known = isinstance(spec.reduction, Additive | Maximum)
    return scope_of(spec) != "row" or not known


def worked(spec: Spec, bound: Mapping[str, Any]) -> Point:
    """The loss of the rows in `bound`. Raises as `check_columns` does."""
    columns = check_columns(spec.loss.label, spec.roles, bound)
    values = spec.evaluate(columns)
    top, count = values[:2] if isinstance(values, tuple) else (values, None)
    own = spec.divisor(columns)
    count = own if own is not None else count
    adds, counts = _rows(top), None if count is None else _rows(np.asarray(count))
    with np.errstate(over="ignore"):
        adds = np.square(adds) if spec.reduction.squares else adds
    value = _finished(spec, bound, adds, counts)
    if spec.loss.penalty is not None and value is not None:
        wholes = [columns[name] for name in spec.loss.wholes]
        own = {key: one for key, one in spec.all_settings.items() if key != spec.loss.nests}
        value += float(spec.loss.penalty(*wholes, **own))
    return Point(
        roles={name: bound[name] for name in bound if bound[name] is not None},
        rows=len(adds),
        adds=tuple(adds.tolist()),
        value=value,
        gradient=_gradient(spec, columns) if len(adds) == 1 else None,
    )


def _rows(values: Any) -> Array:
    values = np.asarray(values, dtype=np.float64)
    return values if values.ndim < 2 else np.asarray(values.mean(axis=tuple(range(1, values.ndim))))


def _over_the_rows(spec: Spec, bound: Mapping[str, Any]) -> float | None:
    """What no sum gives: asked as `eval` would."""
    from lossctl.plan import Plan
    from lossctl.readers.memory import MemorySource
    from lossctl.run import evaluate_plan

    pred, target = (MemorySource(name, {name: column}) for name, column in bound.items())
    found = evaluate_plan(Plan(pred=pred, target=target, losses=(str(spec),), full=False))
    return found.losses[0].value


def _finished(
    spec: Spec, bound: Mapping[str, Any], adds: Array, counts: Array | None
) -> float | None:
    reduction = spec.reduction
    if isinstance(reduction, Maximum):
        return float(adds.max())
    if isinstance(reduction, Median):
        return float(np.median(adds))
    if not isinstance(reduction, Additive):
        return _over_the_rows(spec, bound)
    total = float(math.fsum(adds)) if np.isfinite(adds).all() else float(adds.sum())
    divisor = float(len(adds) if counts is None else counts.sum())
    if reduction.divisor == "one":
        divisor = 1.0
    elif reduction.divisor in ("rows", "nonzero"):
        divisor = float(len(adds))
    if divisor == 0.0:
        return None
    inner = total / divisor
    if reduction.outer == "root":
        return math.sqrt(inner)
    return float(np.exp(inner)) if reduction.outer == "exp" else inner


def slopes(spec: Spec, columns: Mapping[str, Any]) -> Any:
    """The gradient in the first role, for columns that have been checked; None without one."""
    if spec.loss.gradient is None or spec.loss.nests is not None:
        return None
    given = [columns.get(role.name) for role in spec.loss.own_roles]
    with np.errstate(all="ignore"):
        return spec.loss.gradient(*given, **spec.all_settings)


def _gradient(spec: Spec, columns: Mapping[str, Any]) -> Any:
    found = slopes(spec, columns)
    if found is None:
        return None
    found = found.values if isinstance(found, Ragged) else np.asarray(found)
    ragged = isinstance(columns[spec.loss.own_roles[0].name], Ragged)
    values = found if ragged else found[0]
    return np.asarray(values, dtype=np.float64).tolist()


# --- an example from the domains ----------------------------------------------------------------

_SIZES = {"classes": 3, "pixels": 4, "dimensions": 2, "members": 4, "symbols": 3}
_WHOLE = (2.0, 4.0, 3.0, 6.0)
_REALS = {1: (5.0,), 2: (9.0, 4.0), 3: (2.0, 4.0, 7.0), 4: (2.0, 4.0, 7.0, 3.0)}
_VECTORS = ((3.0, 4.0), (4.0, 3.0), (3.0, 6.0), (0.0, 2.0))
_BOXES = ((0.0, 0.0, 2.0, 2.0), (1.0, 1.0, 3.0, 3.0))
_SHARES = ((0.2, 0.7, 0.1), (0.1, 0.8, 0.1), (0.3, 0.4, 0.3))
_LOGITS = (1.5, 2.0, -1.0)
_MEMBERS = (2.0, 4.0, 5.0, 9.0)
_PIXELS = ((0.9, 0.6, 0.2, 0.1), (1.0, 1.0, 0.0, 0.0))
_PIXEL_LOGITS = (2.0, 0.5, 0.25, -2.0)
_SEVERAL_REALS = ((2.5, 5.0, 8.0), (2.0, 5.0, 9.0))
_TEXTS = ("kitten", "sitting")
_TOKENS = ((1.0, 2.0, 1.0), (1.0, 2.0))
_FRAMES = ((0.5, 2.0, -1.0), (1.0, 0.0, 0.5), (0.0, -1.0, 2.0), (2.0, 0.0, 0.0))


def example(spec: Spec) -> dict[str, Any] | None:
    """Columns of every required role with pleasant numbers; None where none are at hand."""
    roles = required(spec)
    rows = SEVERAL if needs_several(spec) else 1
    found: dict[str, Any] = {}
    for place, role in enumerate(roles):
        value = _pleasant(role, place, roles, spec)
        if value is None:
            return None
        if role.domain.shape == "whole":
            found[role.name] = value
        elif rows == 1:
            found[role.name] = [value]
        else:
            found[role.name] = [_turned(value, turn, role, place) for turn in range(rows)]
    return found


def _pleasant(role: Role, place: int, roles: Sequence[Role], spec: Spec) -> Any:
    alike = [other.name for other in roles if other.domain.shape == role.domain.shape]
    nth = alike.index(role.name)
    candidates: list[Any]
    match role.domain.shape:
        case "value" | "one" | "either":
            candidates = _numbers(role, nth, alike, roles)
        case "vector":
            candidates = _vectors(role, nth, spec)
        case "ragged" if role.domain.axes:
            candidates = [[list(frame) for frame in _FRAMES]]
        case "ragged":
            candidates = [list(_TOKENS[1 if place else 0])]
        case "text":
            return _TEXTS[min(nth, 1)]
        case "whole":
            candidates = [_whole(role)]
    return next((one for one in candidates if _inside(role, one)), None)


def _inside(role: Role, value: Any) -> bool:
    return not bool(np.any(role.domain.outside(np.asarray(value, dtype=np.float64))))


def _numbers(role: Role, nth: int, alike: Sequence[str], roles: Sequence[Role]) -> list[Any]:
    domain = role.domain
    if domain.choices or domain.indexes is not None:
        return [1.0]
    if domain.integral:
        return [3.0]
    if (domain.low, domain.high) == (0.0, 1.0):
        return [0.75 if nth == 0 else 1.0]
    others = [other.domain for other in roles if other is not role]
    if any(other.choices or (other.low, other.high) == (0.0, 1.0) for other in others):
        return [-0.5 if any(other.choices for other in others) else 2.0]
    if any(other.shape in ("vector", "ragged") for other in others):
        return [6.0, 0.5, 1.0]
    if domain.shape == "either":
        return [2.0 if nth == 0 else 1.0]
    return [_REALS.get(len(alike), tuple(range(1, len(alike) + 1)))[nth], 0.5, 0.75, 2.0]


def _vectors(role: Role, nth: int, spec: Spec) -> list[Any]:
    domain = role.domain
    if domain.width == 4:
        return [list(_BOXES[min(nth, 1)])]
    kind = domain.axes[0] if domain.axes else "dimensions"
    if kind == "pixels":
        return [list(_PIXELS[min(nth, 1)]) if domain.high == 1.0 else list(_PIXEL_LOGITS)]
    if kind == "members":
        return [list(_MEMBERS)]
    if kind == "classes":
        if domain.high < math.inf or domain.low == 0.0:
            shares = list(_SHARES[min(nth, 2)])
            one_hot = nth > 0 and "distribution" not in spec.loss.tasks
            return [[0.0, 1.0, 0.0] if one_hot else shares]
        return [list(_LOGITS)]
    return [list(_VECTORS[min(nth, 3)])]


def _whole(role: Role) -> list[Any]:
    sizes = [_SIZES.get(axis, 3) for axis in role.domain.axes]
    if len(sizes) == 2:
        along = np.eye(sizes[1])
        return list(np.concatenate([along, -along])[: sizes[0]].tolist())
    if len(sizes) == 1:
        return [1.0 + k for k in range(sizes[0])]
    return list(_WHOLE)


def _turned(value: Any, turn: int, role: Role, place: int) -> Any:
    """Another row like this one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return value[turn % len(value) :] + value[: turn % len(value)]
    if role.domain.integral or role.domain.shape == "either":
        return (value + turn) % _SIZES["classes"] if place == 0 else min(value + turn, 2.0)
    moved = _SEVERAL_REALS[min(place, 1)][turn]
    return moved if _inside(role, moved) else value


# --- a point that the user gives ----------------------------------------------------------------


def point_at(spec: Spec, text: str) -> Point:
    """The point of `9,4`, `0.2,0.7,0.1/1` or `kitten/sitting`, roles in order.

    Raises UsageError for what cannot be read, DataError for what lies outside a domain.
    """
    roles = spec.roles
    pieces = _pieces(text, roles)
    bound: dict[str, Any] = {}
    for role, piece in zip(roles, pieces, strict=False):
        value = _read(piece, role)
        bound[role.name] = value if role.domain.shape == "whole" else [value]
    if any(value == [] for value in bound.values()):
        raise UsageError(f"--at {text}: a role is empty")
    try:
        return worked(spec, bound)
    except DataError as problem:
        raise DataError("--at: " + str(problem).replace(" row 0 is", " is")) from None


def _pieces(text: str, roles: Sequence[Role]) -> list[str]:
    least = sum(not role.optional for role in roles)
    pieces = [text] if len(roles) == 1 else text.split("/" if "/" in text else ",")
    if least <= len(pieces) <= len(roles):
        return [piece.strip() for piece in pieces]
    taken = ", ".join(role.name for role in roles if not role.optional)
    raise UsageError(
        f"--at {quoted(text)} does not say {taken}", f"write --at {how_to_write(roles)}"
    )


def how_to_write(roles: Sequence[Role]) -> str:
    """`PRED,TARGET`, or `P1,P2,.../LABEL` where a role holds several numbers."""
    single = all(role.domain.shape in ("value", "one", "either", "text") for role in roles)
    names = [role.name.upper() for role in roles if not role.optional]
    if single and all(role.domain.shape != "text" for role in roles):
        return ",".join(names)
    several = [
        role.name
        for role in roles
        if role.domain.shape in ("vector", "ragged", "whole") and not role.optional
    ]
    said = "/".join(names)
    return f"{said} ({', '.join(several)}: numbers with commas)" if several else said


def _read(piece: str, role: Role) -> Any:
    shape = role.domain.shape
    if shape == "text":
        return piece
    if role.domain.name == "category" and not _numeric(piece.split(",")):
        return piece
    if role.domain.axes and (
        ";" in piece or len(role.domain.axes) > (shape in ("vector", "either"))
    ):
        rows = [_row(part, role) for part in piece.split(";")]
        deep = shape == "ragged" or len(role.domain.axes) == 2 or ";" in piece
        return rows if deep else rows[0]
    numbers = _row(piece, role)
    if shape in ("vector", "ragged", "whole"):
        return numbers
    return numbers[0] if len(numbers) == 1 else numbers


def _row(text: str, role: Role) -> list[float]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not _numeric(parts):
        raise UsageError(f"--at: {role.name} is {quoted(text)}", "it is numbers, with commas")
    return [float(part) for part in parts]


def _numeric(parts: Sequence[str]) -> bool:
    try:
        return bool([float(part) for part in parts]) or not parts
    except ValueError:
        return False
