"""Divergences and cross-entropies of distributions as the terms that their classes add.

A term of KL, target ln(target / pred), is negative for a class of which more is predicted than is:
only all classes together cannot be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from lossctl.analyses.context import Context, percent, prose
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.errors import inert
from lossctl.exact import Exact, ratio
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.losses.categorical import soft_terms
from lossctl.losses.distribution import js_terms, kl_terms
from lossctl.numerics import shared
from lossctl.probabilities import class_probabilities
from lossctl.report import Column, Part, Table
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Terms

KL, JS, CE = "kl_divergence", "js_divergence", "categorical_cross_entropy"
LISTED = 10
NAMED = 3  # in the sentence
KEPT = 1000  # classes of the data

Side: TypeAlias = Literal["loss", "target", "pred"]


@dataclass(frozen=True, slots=True)
class ClassOf:
    """The class of each value, row by row."""

    def __call__(self, batch: Batch) -> Integers:
        return _classes(*batch.columns["pred"].shape)


@shared
def _classes(rows: int, classes: int) -> Integers:
    return np.tile(np.arange(classes), rows)


@dataclass(frozen=True, slots=True)
class ClassTerms:
    """a = weight * what each class of each row adds, or has of the target or of the prediction;
    b = weight; value by value, as `ClassOf` counts them."""

    spec: Spec
    side: Side

    def __call__(self, batch: Batch) -> Terms:
        values = self._values(batch)
        if batch.weight is None:
            return Terms([(values.reshape(-1), 0)])
        weight = np.repeat(batch.weight, values.shape[1])
        added = np.where(weight == 0.0, 0.0, weight * values.reshape(-1))
        return Terms([(added, 0)], weight)

    def _values(self, batch: Batch) -> Array:
        told, (pred, target) = dict(self.spec.all_settings), _roles(batch)
        if self.spec.loss.name == CE:
            if self.side == "pred":
                limits = {name: told[name] for name in ("from_logits", "normalize")}
                return class_probabilities(pred, **limits)
            terms, shares = soft_terms(pred, target, batch.columns.get("class_weight"), **told)
            return shares if self.side == "target" else 0.0 - terms
        if self.spec.loss.name == JS:
            told.pop("sqrt")
        found = (kl_terms if self.spec.loss.name == KL else js_terms)(pred, target, **told)
        return found[("loss", "target", "pred").index(self.side)]


def _roles(batch: Batch) -> tuple[Any, Any]:
    return batch.columns["pred"], batch.columns["target"]


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """For KL, JS (not its root) and the cross-entropy of soft targets."""
    if spec.loss.name not in (KL, JS, CE) or not spec.reduction.additive:
        return None
    if spec.all_settings.get("sqrt"):
        return None
    sides: tuple[Side, ...] = ("loss", "target", "pred")
    asked: list[Rounds[Any]] = [context.reduced(spec)]
    asked += [one_state(KeyedSums(ClassOf(), ClassTerms(spec, side))) for side in sides]
    reduced, *states = yield from in_step(asked)
    if not reduced.value or not reduced.divisor or any(state.overfull for state in states):
        return None
    if any(group.infinite for state in states for group in state.groups.values()):
        return None
    return _part(context, spec, reduced.divisor, states)


@dataclass(frozen=True, slots=True)
class Class:
    """What one class adds to the value, its share of it, and its mean masses."""

    name: str
    adds: float
    share: float
    target: float
    pred: float


def _part(context: Context, spec: Spec, divisor: Exact, states: list[KeyedState]) -> Part | None:
    terms, targets, preds = (state.groups for state in states)
    total = sum(group.a for group in terms.values())
    if not total:
        return None
    ranked = sorted(terms, key=lambda key: (-terms[key].a, key))
    classes = [
        Class(
            _name(context, key),
            ratio(terms[key].a, divisor),
            ratio(terms[key].a, total),
            targets[key].mean,
            preds[key].mean,
        )
        for key in ranked
    ]
    below = [one for one in classes if one.adds < 0.0]
    data = {
        "loss": spec.text,
        "value": ratio(total, divisor),
        "classes": [
            {"class": one.name, "adds": one.adds, "share": one.share, "target": one.target,
             "pred": one.pred} for one in classes[:KEPT]
        ],
        "count": len(classes),
        "below_zero": len(below),
    }  # fmt: skip
    columns = (
        Column("class", "text"),
        Column("adds", "value"),
        Column(f"of the {prose(spec)}", "share"),
        Column("of targets", "share", 1),
        Column("of predictions", "share", 2),
    )
    lines = classes if len(classes) <= LISTED else [*classes[: LISTED - 1], classes[-1]]
    table = Table(
        columns, tuple((one.name, one.adds, one.share, one.target, one.pred) for one in lines)
    )
    return Part(f"classes {spec.brief}", _said(spec, classes, below, data["value"]), data, table)


def _name(context: Context, key: int) -> str:
    known = None if context.classes is None else context.classes.name(key)
    return inert(known or str(key))


def _said(spec: Spec, classes: list[Class], below: list[Class], value: Any) -> str:
    """`KL 0.31: class 8 adds 0.15 (48.4 %), 1 adds 0.07 (22.6 %), ...`."""
    named = [f"{one.name} adds {one.adds:.3g} ({percent(one.share)})"
             for one in classes[:NAMED] if one.adds > 0.0]  # fmt: skip
    text = f"{prose(spec)} {value:.4g}: class " + ", ".join(named)
    if below:
        whose = "1 class takes" if len(below) == 1 else f"{len(below)} classes take"
        off = -sum(one.adds for one in below)
        text += f"; {whose} {off:.3g} off (negative where more is predicted than is)"
    return text
