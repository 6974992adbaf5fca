"""A loss and its gradient along one line: the error, the score or the logit.

The picture that `explain` draws shows it; `influence` reads from it how an outlier acts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from lossctl.arrays import Array, Probability, Real, domain_of
from lossctl.numerics import row_mean
from lossctl.points import required, scope_of, slopes
from lossctl.roles import Role
from lossctl.softmax import log_softmax
from lossctl.spec import Spec

STEPS = 160  # of a picture
_REAL, _PROBABILITY = domain_of(Real), domain_of(Probability)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a picture; None where the loss is infinite or undefined."""

    over: str
    x: tuple[float, ...]
    loss: tuple[float | None, ...]
    gradient: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """Samples along a line: `columns(x)` has one row for each x."""

    kind: Literal["error", "pred", "score", "logit", "away"]
    over: str  # what x is, in words
    spec: Spec
    columns: Callable[[Array], dict[str, Any]]
    slope: Callable[[Array, Any], Array]  # (x, gradient in the first role) -> along x
    outlying: Callable[[Array], dict[str, Any]] | None = None  # where the target moves, not pred

    def at(self, x: Array, *, outlying: bool = False) -> tuple[Array, Array]:
        """The loss and its slope; NaN outside the domains."""
        make = self.outlying if outlying and self.outlying is not None else self.columns
        columns = make(x)
        inside = np.ones(x.shape, dtype=bool)
        for role in self.spec.roles:
            column = columns.get(role.name)
            if column is not None and role.domain.shape != "whole":
                bad = role.domain.outside(column)
                inside &= ~(bad.any(axis=1) if bad.ndim == 2 else bad)
        kept = {
            name: column[inside] if _rowwise(self.spec, name) else column
            for name, column in columns.items()
        }
        loss, slope = np.full(x.shape, math.nan), np.full(x.shape, math.nan)
        if inside.any():
            values = self.spec.evaluate(kept)
            values = values[0] if isinstance(values, tuple) else values
            values = row_mean(values) if values.ndim == 2 else values
            if self.spec.reduction.squares:
                with np.errstate(over="ignore"):
                    values = np.square(values)
            loss[inside] = values
            with np.errstate(all="ignore"):
                slope[inside] = self.slope(x[inside], slopes(self.spec, kept))
        return loss, slope


def _rowwise(spec: Spec, name: str) -> bool:
    return any(role.name == name and role.domain.shape != "whole" for role in spec.roles)


def path_of(spec: Spec, example: Mapping[str, Any]) -> Path | None:
    """The line along which a loss is best seen; None where it has no gradient, or none fits."""
    if spec.loss.gradient is None or spec.loss.nests is not None or scope_of(spec) != "row":
        return None
    if "from_logits" in spec.all_settings:
        settings = {**spec.all_settings, "from_logits": True}
        spec = replace(spec, all_settings=settings)
    roles = required(spec)
    if len(roles) < 2 or not all(isinstance(example.get(role.name), list) for role in roles):
        return None
    held = {role.name: np.asarray(example[role.name], dtype=np.float64) for role in roles
            if role.domain.shape not in ("ragged", "text")}  # fmt: skip
    if len(held) < len(roles):
        return None
    first, rest = roles[0], roles[1:]
    if first.domain.shape == "vector":
        return _vector_path(spec, first, rest, held)
    if "from_logits" in spec.all_settings and first.domain.infinite:
        return _line(spec, first, held, "logit", _said("logit", rest, held))
    if (first.domain.low, first.domain.high) == (0.0, 1.0):
        return _sigmoid_path(spec, first, rest, held)
    if any(role.domain.choices for role in rest):
        return _line(spec, first, held, "score", _said("score", rest, held))
    return _error_path(spec, first, rest, held)


def _said(word: str, rest: tuple[Role, ...], held: Mapping[str, Array]) -> str:
    fixed = [
        f"{role.name} {held[role.name].item():g}" for role in rest if held[role.name].size == 1
    ]
    return f"{word}, {', '.join(fixed)}" if fixed else word


def _filled(spec: Spec, held: Mapping[str, Array], rows: int) -> dict[str, Any]:
    """Every role's example in all rows; None for the roles that may be left out."""
    found: dict[str, Any] = {role.name: None for role in spec.roles}
    for name, values in held.items():
        found[name] = np.repeat(values, rows, axis=0) if _rowwise(spec, name) else values
    return found


def _flat(gradient: Any, rows: int) -> Array:
    found: Array = np.asarray(gradient, dtype=np.float64).reshape(rows, -1)
    return found


def _line(
    spec: Spec, first: Role, held: Mapping[str, Array], kind: Literal["pred", "score", "logit"],
    over: str,
) -> Path:  # fmt: skip
    """The first role is x; all others stay."""
    return Path(
        kind,
        over,
        spec,
        lambda x: _filled(spec, held, len(x)) | {first.name: x},
        lambda x, gradient: _flat(gradient, len(x))[:, 0],
    )


def _sigmoid_path(
    spec: Spec, first: Role, rest: tuple[Role, ...], held: Mapping[str, Array]
) -> Path | None:
    """The first role is a probability behind a sigmoid, and x its logit."""
    if not all(np.isin(held[role.name], (0.0, 1.0)).all() for role in rest):
        return None
    return Path(
        "logit",
        _said("logit", rest, held),
        spec,
        lambda x: _filled(spec, held, len(x)) | {first.name: _sigmoid(x)},
        lambda x, gradient: _flat(gradient, len(x))[:, 0] * _sigmoid(x) * _sigmoid(-x),
    )


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        found: Array = 1.0 / (1.0 + np.exp(-x))
    return found


def _exp(x: Array) -> Array:
    found: Array = np.exp(x)
    return found


def _vector_path(
    spec: Spec, first: Role, rest: tuple[Role, ...], held: Mapping[str, Array]
) -> Path | None:
    if first.domain.axes == ("classes",):
        return _class_path(spec, first, rest, held)
    facing = any(role.domain.shape in ("vector", "value", "one") for role in rest)
    labelled = any(role.domain.indexes is not None for role in rest)
    if first.domain.low > -math.inf or first.domain.axes == ("pixels",) or labelled or not facing:
        return None
    start = held[first.name]
    return Path(
        "away",
        first.name,
        spec,
        lambda x: _filled(spec, held, len(x)) | {first.name: start + x[:, np.newaxis]},
        lambda x, gradient: np.sqrt(np.square(_flat(gradient, len(x))).sum(axis=1)),
    )


def _class_path(
    spec: Spec, first: Role, rest: tuple[Role, ...], held: Mapping[str, Array]
) -> Path | None:
    """The true class has logit (or score) x, every other class 0."""
    truth = held[rest[0].name][0]
    label = int(truth) if truth.ndim == 0 else int(np.argmax(truth))
    size = held[first.name].shape[1]
    behind = first.domain.row is not None or first.domain.high == 1.0

    def rows(x: Array) -> Array:
        logits = np.zeros((len(x), size))
        logits[:, label] = x
        return _exp(log_softmax(logits)) if behind else logits

    def slope(x: Array, gradient: Any) -> Array:
        found = _flat(gradient, len(x))
        if not behind:
            return found[:, label]
        # The other classes share what p leaves: dp/dx = p(1-p), and each of them loses its part.
        with np.errstate(over="ignore"):
            odds = (size - 1.0) * np.exp(-x)
        p = 1.0 / (1.0 + odds)
        rest_of = 1.0 / (1.0 + 1.0 / odds)
        others = np.delete(found, label, axis=1).mean(axis=1)
        along: Array = (found[:, label] - others) * p * rest_of
        return along

    kind: Literal["logit", "score"] = "logit" if behind or first.domain.infinite else "score"
    return Path(
        kind,
        f"{kind} of the true class, the others 0",
        spec,
        lambda x: _filled(spec, held, len(x)) | {first.name: rows(x)},
        slope,
    )


def _error_path(
    spec: Spec, first: Role, rest: tuple[Role, ...], held: Mapping[str, Array]
) -> Path | None:
    """X is pred - target where only that matters, else the prediction itself."""
    facing = [role for role in rest if role.domain.shape == first.domain.shape]
    target = facing[-1].name if facing else ""
    if first.domain.shape != "value" or not facing:
        return None
    if len(facing) > 1 and any(role.domain.name == "real" for role in facing[:-1]):
        return None  # two ends of an interval: neither alone is the prediction
    at = held[target].item()

    def by_error(x: Array) -> dict[str, Any]:
        return _filled(spec, held, len(x)) | {first.name: at + x}

    def by_target(x: Array) -> dict[str, Any]:
        start = held[first.name].item()
        return _filled(spec, held, len(x)) | {target: start - x}

    def slope(x: Array, gradient: Any) -> Array:
        return _flat(gradient, len(x))[:, 0]

    error = Path("error", f"{first.name} - {target}", spec, by_error, slope, by_target)
    if first.domain.name == "real" and _same(error):
        return error
    line = _line(spec, first, held, "pred", _said(first.name, rest, held))
    return replace(line, outlying=by_target)


def _same(error: Path) -> bool:
    """Whether only the difference of the two matters."""
    x = np.array([-2.5, -0.5, 0.25, 1.5, 3.0])
    one, other = error.at(x), error.at(x, outlying=True)
    return all(np.allclose(a, b, rtol=1e-9, atol=0.0, equal_nan=False)
               for a, b in zip(one, other, strict=True))  # fmt: skip


# --- the picture --------------------------------------------------------------------------------


def curve_of(path: Path) -> Curve | None:
    """The loss and its gradient from end to end of a range that shows where it bends."""
    low, high = _range(path)
    x = np.linspace(low, high, STEPS + 1)
    if path.kind == "away":
        return None
    loss, slope = path.at(x)
    if np.isfinite(loss).sum() < STEPS // 4:
        return None
    return Curve(path.over, tuple(x.tolist()), _known(loss), _known(slope))


def _known(values: Array) -> tuple[float | None, ...]:
    return tuple(float(f"{one:.6g}") if math.isfinite(one) else None for one in values.tolist())


def _range(path: Path) -> tuple[float, float]:
    if path.kind == "logit":
        return -6.0, 6.0
    if path.kind == "pred":
        return 0.0, 8.0
    reach = _round_up(3.0 * bend(path)) if path.kind == "error" else 3.0
    return -reach, reach


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 8, 10) if step * power >= value * 0.999)


def bend(path: Path) -> float:
    """The error at which the slope takes on its final power; 1 where it has one power only."""
    found = [
        place
        for sign in (1.0, -1.0)
        if (place := _bend(path, sign * np.logspace(-3.0, 5.0, 401))) is not None
    ]
    return max(found, default=1.0)


def _bend(path: Path, x: Array) -> float | None:
    size = np.abs(path.at(x, outlying=path.outlying is not None)[1])
    if not np.isfinite(size).all() or not size.any():
        return None
    some = np.flatnonzero(size)
    if some[-1] < len(x) - 1:
        return float(abs(x[some[-1] + 1]))
    if some[0] > 0:
        return float(abs(x[some[0]]))
    powers = np.diff(np.log(size)) / np.diff(np.log(np.abs(x)))
    start, end = powers[0], powers[-1]
    if abs(start - end) < 0.1:
        return None
    crossed = np.flatnonzero((powers - (start + end) / 2.0) * (start - end) <= 0.0)
    return float(abs(x[crossed[0] + 1]))
