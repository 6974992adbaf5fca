"""The shift, scale or line that makes the errors smaller, and the constant that would do as
well."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lossctl.analyses.advice import correction
from lossctl.analyses.advice.correction import Correction, Fit
from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.honest import Gain, gain, how
from lossctl.analyses.advice.location import mean, median
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.advice.rules.tails import INFINITE, tail_index
from lossctl.analyses.wording import change
from lossctl.arrays import Array, Mask
from lossctl.report import Json

FEWEST = 5  # rows
EFFECTIVE = 30.0  # rows by effective n, of the squared error: fewer decide what is best for it
SIMPLER = 0.02  # of the loss: what a line must save over a shift or a scale
BETTER = 0.02  # than a constant: what a model that is of use must be, once it is corrected

Apply = Callable[[Array], Array]
BEST: dict[str, Callable[[Array, Array], float]] = {"mse": mean, "mae": median}


def corrections(errors: Errors, aim: str | None = None) -> Advice | None:
    """`subtract 0.40: mae 0.414 → 0.214 (-48 %)`, of the loss that gains most by it; nothing that
    makes the loss worse that the predictions `aim` at, if they do: a mean is not made a median."""
    found = {loss: best for loss in BEST if (best := _best(errors, loss, aim)) is not None}
    if not found or errors.n < FEWEST:
        return None
    ordered = sorted(found, key=lambda loss: -found[loss][1].share)
    first, saved = found[ordered[0]]
    mark = errors.sample.mark
    said = [_said(loss, *found[loss], mark) for loss in ordered]
    text = f"{'; '.join(said)} ({how(saved, errors.n)})"
    finding = f"{said[0][0].upper()}{said[0][1:]}{'' if saved.crossed else ', in sample'}."
    data: Json = {
        loss: {"correction": made.kind, "slope": made.slope, "offset": made.offset, **one.data}
        for loss, (made, one) in found.items()
    }
    share = _root_share(saved) if ordered[0] == "mse" else saved.share
    worth = 90.0 if share >= 0.05 else 25.0
    return Advice("correction", first.text, text, finding, worth, gain=share, data=data)


def _best(errors: Errors, loss: str, aim: str | None) -> tuple[Correction, Gain] | None:
    """The simplest correction that gains about the most."""
    found: list[tuple[Correction, Gain]] = []
    lowered = set() if aim in (None, loss) else {aim}
    if loss == "mse" and _by_few(errors):
        lowered.add("mae")
    for fit in correction.FITS[loss]:
        if not all(_lowers(errors, other, fit) for other in lowered):
            continue
        made = fit(errors.y, errors.p, errors.sample.weight)
        one = _saved(errors, loss, fit)
        if made is not None and one is not None and one.sure:
            found.append((made, one))
    flat = _flat(errors, loss)
    if flat is not None:  # what is no better than a constant corrects nothing
        found = [pair for pair in found if pair[1].after < (1.0 - BETTER) * flat.after]
    if not found:
        return None
    return max(found, key=lambda pair: pair[1].share - SIMPLER * (pair[0].kind == "affine"))


def _by_few(errors: Errors) -> bool:
    """Whether the squared error has the tail of an infinite variance, or a few rows make it."""
    index = tail_index(np.square(errors.r))
    added = errors.sample.weight * np.square(errors.r)
    largest = float(added.max())
    if not largest > 0.0:
        return False
    added = added / largest
    effective = float(added.sum()) ** 2 / float(np.square(added).sum())
    return effective < EFFECTIVE or (index is not None and index >= INFINITE)


def _lowers(errors: Errors, loss: str, fit: Fit) -> bool:
    """Whether what is best for another loss lowers this one too: a mean that wild targets move does
    not lower the absolute error, a wrong unit does, however heavy its tail is."""
    one = _saved(errors, loss, fit)
    return one is not None and one.share > 0.0


def _flat(errors: Errors, loss: str) -> Gain | None:
    """What the best constant saves of a loss."""

    def fit(y: Array, _: Array, weight: Array) -> Apply:
        number = BEST[loss](y, weight)
        return lambda p: np.full(p.size, number)

    return _saved(errors, loss, fit)


def _saved(
    errors: Errors, loss: str, fit: Callable[[Array, Array, Array], Apply | None]
) -> Gain | None:
    """What a correction saves of a loss."""

    def after(fitted: Mask, scored: Mask) -> Array | None:
        made = fit(errors.y[fitted], errors.p[fitted], errors.sample.weight[fitted])
        if made is None:
            return None
        return correction.errors(loss, errors.y[scored], made(errors.p[scored]))

    return gain(errors.sample, correction.errors(loss, errors.y, errors.p), after)


def _said(loss: str, made: Correction, one: Gain, mark: str) -> str:
    if loss == "mse":  # its root is in the target's unit
        before, after, share = math.sqrt(one.before), math.sqrt(one.after), _root_share(one)
        return f"{made.text}: rmse {mark}{before:.4g} → {mark}{after:.4g} ({change(share)})"
    return f"{made.text}: mae {mark}{one.before:.4g} → {mark}{one.after:.4g} ({change(one.share)})"


def _root_share(one: Gain) -> float:
    return 1.0 - math.sqrt(one.after / one.before)


def constant(errors: Errors) -> Advice | None:
    """Predictions that are worse than one number for every row, and that no line mends: under both
    losses, as a good mean may well be a bad median."""
    if errors.n < FEWEST:
        return None
    worse: dict[str, tuple[float, Gain]] = {}
    for loss, best in BEST.items():
        one = _flat(errors, loss)
        if one is not None and one.sure:
            worse[loss] = best(errors.y, errors.sample.weight), one
    if len(worse) < len(BEST) or _mended(errors, worse):
        return None
    loss = next(iter(worse))
    number, one = worse[loss]
    values = (one.before, one.after)
    now, then = map(math.sqrt, values) if loss == "mse" else values
    mark, name = errors.sample.mark, {"mse": "rmse", "mae": "mae"}[loss]
    said = (
        f"{mark}{number:.4g} for every row has {name} {mark}{then:.4g}, these predictions "
        f"{mark}{now:.4g}"
    )
    data = {loss: {"constant": c, "before": g.before, "after": g.after, "se": g.se}
            for loss, (c, g) in worse.items()}  # fmt: skip
    text = f"do not use this model: {said} ({how(one, errors.n)})"
    finding = f"These predictions are worse than a constant: {said}."
    return Advice("constant", f"{number:.4g}", text, finding, 100.0, gain=one.share, data=data)


def _mended(errors: Errors, worse: dict[str, tuple[float, Gain]]) -> bool:
    """Whether a correction makes them better than the constant."""
    for loss, (_, constant_gain) in worse.items():
        for fit in correction.FITS[loss]:
            one = _saved(errors, loss, fit)
            if one is not None and one.after < (1.0 - BETTER) * constant_gain.after:
                return True
    return False
