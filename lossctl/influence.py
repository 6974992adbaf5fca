"""How a row far out acts on a loss: what the slope does there says whether it can pull without
limit. Nothing is known of a loss but its curve (see `curves`)."""

from __future__ import annotations

import math

import numpy as np

from lossctl.arrays import Array
from lossctl.curves import Path, bend

_FAR = 1e3  # how far out an outlier lies, in units of where the loss bends


def outlier_of(path: Path) -> str | None:
    """How a row far out acts, in a sentence, from the slope there."""
    if path.kind == "logit":
        return _confident(path)
    if path.kind == "score":
        return f"a row far on the wrong side {_pull(path, -1.0)}"
    if path.kind == "away":
        return f"moved far away, {path.over} {_pull(path, 1.0)}"
    above, below = _pull(path, -1.0), _pull(path, 1.0)
    if above == below or not below:
        return f"a target far off {above}" if below else f"a target far above {above}"
    return f"a target far above {above}; one far below {below}" if above else None


def _pull(path: Path, sign: float) -> str:
    """What the row does, or nothing where the domain has no such row."""
    unit = bend(path) if path.kind in ("error", "pred") else 1.0
    r = unit * np.array([_FAR, 10.0 * _FAR, 100.0 * _FAR])
    moves = path.outlying is not None
    loss, slope = path.at(sign * r, outlying=moves)
    size = np.abs(slope)
    if np.isnan(loss).any():
        return ""
    if not np.isfinite(size).all() or not np.isfinite(loss).all():
        return "explodes: its cost grows exponentially"
    if not size.any():
        return f"does not pull at all: beyond {_start_of_nothing(path, sign):.3g} the slope is 0"
    power = math.log10(size[1] / size[0]) if size.all() else -math.inf
    times = _times(path, loss)
    if power < -0.02:
        return f"hardly pulls: {_peak(path, sign)}the slope fades to 0{times}"
    if power < 0.02:
        return f"pulls no harder than {size[2]:.3g}{times}"
    if power < 0.9:
        return f"pulls harder the farther it is, but less than in proportion{times}"
    if power < 1.1:
        return f"pulls in proportion to its distance: nothing limits it{times}"
    return f"pulls more than in proportion to its distance: nothing limits it{times}"


_FARTHER = {"score": "score", "away": "distance"}


def _times(path: Path, loss: Array) -> str:
    """What ten times the error costs."""
    farther = f"; ten times the {_FARTHER.get(path.kind, 'error')} costs"
    if loss[1] <= 0.0 or loss[2] <= 0.0:
        return ""
    ratio = loss[2] / loss[1]
    if ratio < 1.005:
        return f"{farther} the same"
    return f"{farther} {ratio:.3g} times as much"


def _start_of_nothing(path: Path, sign: float) -> float:
    x = np.logspace(-3.0, 5.0, 1601)
    size = np.abs(path.at(sign * x, outlying=path.outlying is not None)[1])
    some = np.flatnonzero(size)
    return float(x[some[-1] + 1]) if some.size else 0.0


def _peak(path: Path, sign: float) -> str:
    """Where the slope is largest, if that is somewhere inside."""
    if path.kind == "pred":
        return ""
    x = np.logspace(-3.0, 5.0, 1601)
    size = np.abs(path.at(sign * x)[1])
    place = int(np.nanargmax(size))
    return f"from its largest, {size[place]:.3g} at {x[place]:.2g}, " if place else ""


def _confident(path: Path) -> str:
    """A row that is sure of the wrong class, seen from its logit."""
    near, far = (float(abs(one)) for one in path.at(np.array([-8.0, -15.0]))[1])
    if not math.isfinite(near) or not math.isfinite(far):
        return "a confidently wrong row pulls without limit"
    x = np.linspace(-15.0, 6.0, 2101)
    size = np.abs(path.at(x)[1])
    place = int(np.nanargmax(size))
    if far < 0.5 * near:
        return (
            f"over the logit the slope is largest ({size[place]:.3g}) at {x[place]:.2g} and "
            "fades: a confidently wrong row hardly pulls, so that a wrong label does little harm, "
            "but a wrong model stalls"
        )
    if abs(far - near) <= 0.05 * far:
        return (
            f"over the logit a confidently wrong row pulls with {far:.2g}, however wrong it is: "
            "it neither dominates nor stalls"
        )
    return "over the logit a confidently wrong row pulls harder the more confident it is"
