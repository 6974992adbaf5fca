"""What makes probabilities better as they are: smoothing, a temperature, a shift of the logit; and
whether they are better than the share of each class."""

from __future__ import annotations

import math

import numpy as np

from lossctl.analyses.advice import probability
from lossctl.analyses.advice.classes import Classified
from lossctl.analyses.advice.honest import LEAST, Gain, gain, how
from lossctl.analyses.advice.location import mean
from lossctl.analyses.advice.probability import Apply, Fit
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.wording import change
from lossctl.arrays import Array, Mask

FEWEST = 20  # rows
BETTER = 0.02  # than the shares of the classes: what probabilities of use are, once corrected

_WAYS: dict[str, tuple[Fit, Apply]] = {
    "smoothing": (probability.smoothing_once_more, probability.smoothed),
    "temperature": (probability.temperature, probability.cooled),
}


def smoothing(rows: Classified) -> Advice | None:
    """A share of even probability, where some rows give their own class none."""
    own = probability.of_label(rows.logits, rows.label)
    impossible = np.flatnonzero(np.isneginf(own))
    if not impossible.size or rows.sample.rows < FEWEST:
        return None
    saved = _gain(rows, *_WAYS["smoothing"])
    if saved is None or saved.after >= saved.before:
        return None
    by = probability.smoothing_once_more(rows.logits, rows.label, rows.sample.weight)
    mark = rows.sample.mark
    count = f"{mark}{impossible.size} of {rows.sample.rows} rows"
    give = "give their" if impossible.size > 1 else "gives its"
    recipe = f"{1.0 - by:.3g} p + {by / rows.classes:.2g}"
    text = (
        f"use {recipe}: {count} ({rows.sample.names(impossible)}) {give} own class probability "
        f"0, which costs infinitely much (floored at 2.2e-16: cross entropy {mark}"
        f"{saved.before:.4g} → {mark}{saved.after:.4g}; {how(saved, rows.sample.rows)}); or judge "
        f"by brier, which stays finite"
    )
    finding = (
        f"{count} {give} own class probability 0: use {recipe}, or judge by Brier, not by "
        f"cross entropy."
    )
    data = {"rows": int(impossible.size), "share": by, **saved.data}
    return Advice("zeros", recipe, text, finding, 90.0, gain=saved.share, data=data)


def calibration(rows: Classified) -> Advice | None:
    """A temperature, or for two classes a shift of the logit: the one that gains most."""
    own = probability.of_label(rows.logits, rows.label)
    if rows.sample.rows < FEWEST or np.isneginf(own).any():
        return None
    ways = _ways(rows)
    best = {name: by for name, way in ways.items() if (by := _best(rows, name, way)) is not None}
    tried = {name: one for name in best if (one := _gain(rows, *ways[name])) is not None}
    found = {name: one for name, one in tried.items() if one.sure}
    if not found:
        return _as_they_are(rows, tried.get("temperature"), best.get("temperature"))
    name = max(found, key=lambda one: found[one].share)
    saved = found[name]
    by = best[name]
    mark = rows.sample.mark
    data = {name: {"by": best[name], **one.data}
            for name, one in found.items()}  # fmt: skip
    if name == "temperature":
        do = f"divide {rows.given} by {by:.3g}"
        why = "the probabilities are too sure" if by > 1.0 else "the probabilities are too timid"
        accuracy = "; no decision changes"
    else:
        do = f"add {by:.3g} to the logit" if by > 0.0 else f"subtract {-by:.3g} from the logit"
        average = mean(rows.prob[:, 1], rows.sample.weight)
        share = mean(rows.label.astype(np.float64), rows.sample.weight)
        why = f"the mean probability is {mark}{average:.3g}, {mark}{share:.3g} of rows are positive"
        accuracy = ""
    said = (
        f"{do}: cross entropy {mark}{saved.before:.4g} → {mark}{saved.after:.4g} "
        f"({change(saved.share)})"
    )
    text = f"{said}, {how(saved, rows.sample.rows)}; {why}{accuracy}"
    finding = f"{said[0].upper()}{said[1:]}: {why}."
    worth = 70.0 if saved.share >= 0.05 else 25.0
    return Advice("correction", do, text, finding, worth, gain=saved.share, data=data)


def _ways(rows: Classified) -> dict[str, tuple[Fit, Apply]]:
    found = {"temperature": _WAYS["temperature"]}
    if rows.classes == 2:
        found["shift"] = (probability.logit_shift, probability.shifted)
    return found


def _best(rows: Classified, name: str, way: tuple[Fit, Apply]) -> float | None:
    """The best one; None where there is none: rows without a mistake make none too low a
    temperature, rows of one class none too far a shift."""
    if name == "temperature" and probability.separable(rows.logits, rows.label):
        return None
    if name == "shift" and (rows.label == rows.label[0]).all():
        return None
    by = way[0](rows.logits, rows.label, rows.sample.weight)
    if name == "temperature":
        inside = abs(math.log(by)) < 0.99 * math.log(probability.WIDEST)
    else:
        inside = abs(by) < 0.99 * probability.FARTHEST
    return by if inside else None


def _as_they_are(rows: Classified, saved: Gain | None, by: float | None) -> Advice | None:
    """What speaks for the probabilities: the best temperature saves next to nothing."""
    if saved is None or by is None or saved.share >= LEAST:
        return None  # it might save something: there are too few rows to tell
    mark = rows.sample.mark
    few = abs(saved.share) < 0.0005
    said = "changes" if few else "costs" if saved.share < 0.0 else "saves"
    much = "nothing" if few else f"{mark}{abs(100 * saved.share):.1f} %"
    text = (
        f"keep the probabilities as they are: the best temperature, {mark}{by:.3g}, {said} "
        f"{much} of the cross entropy of {mark}{saved.before:.4g} "
        f"({how(saved, rows.sample.rows)})"
    )
    finding = "Keep these probabilities: no temperature makes them better."
    return Advice("correction", "none", text, finding, 4.0, data=saved.data)


def base_rate(rows: Classified) -> Advice | None:
    """Probabilities that are worse than the share of each class, at any temperature."""
    before = probability.cross_entropy(rows.logits, rows.label)

    def after(fitted: Mask, scored: Mask) -> Array:
        weight = rows.sample.weight[fitted]
        # Half a row more of each class: one that a half has not is not impossible.
        share = np.bincount(rows.label[fitted], weights=weight, minlength=rows.classes) + 0.5
        costs: Array = -np.log(share / share.sum())
        return costs[rows.label[scored]]

    saved = gain(rows.sample, before, after)
    if rows.sample.rows < FEWEST or saved is None or not saved.sure:
        return None
    for way in _WAYS.values():
        mended = _gain(rows, *way)
        if mended is not None and mended.after < (1.0 - BETTER) * saved.after:
            return None
    mark = rows.sample.mark
    said = (
        f"the share of each class, the same for every row, has cross entropy "
        f"{mark}{saved.after:.4g}, these probabilities {mark}{saved.before:.4g}"
    )
    text = f"do not use these probabilities: {said} ({how(saved, rows.sample.rows)})"
    finding = f"These probabilities are worse than none: {said}."
    return Advice("constant", "the shares of the classes", text, finding, 100.0,
                  gain=saved.share, data=saved.data)  # fmt: skip


def _gain(rows: Classified, fit: Fit, apply: Apply) -> Gain | None:
    def after(fitted: Mask, scored: Mask) -> Array:
        by = fit(rows.logits[fitted], rows.label[fitted], rows.sample.weight[fitted])
        return probability.cross_entropy(apply(rows.logits[scored], by), rows.label[scored])

    return gain(rows.sample, probability.cross_entropy(rows.logits, rows.label), after)
