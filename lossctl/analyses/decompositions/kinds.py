"""Who makes a cross-entropy or focal loss: easy and hard samples, positive and negative ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.wording import percent, rows_or_weight
from lossctl.arrays import Array, Integers, Numbers
from lossctl.batch import Batch
from lossctl.exact import ratio
from lossctl.numerics import shared
from lossctl.probabilities import label_logs
from lossctl.report import Column, Part, Table
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import LossTerms

BINARY = (
    "binary_cross_entropy", "weighted_cross_entropy", "balanced_cross_entropy", "binary_focal",
    "asymmetric_loss",
)  # fmt: skip
CLASSES = ("sparse_categorical_cross_entropy", "categorical_focal", "poly1_cross_entropy")
HARD = 0.5  # a sample is hard where the true class has less
_LIMITS = ("normalize", "floor", "eps", "log_clamp")


@dataclass(frozen=True, slots=True)
class Kind:
    """Hard or easy samples; of one probability the positive or the negative ones of them."""

    hard: bool
    positive: bool | None

    def __str__(self) -> str:
        sign = {None: "rows", True: "positives", False: "negatives"}[self.positive]
        return f"{'hard' if self.hard else 'easy'} {sign}"


@dataclass(frozen=True, slots=True)
class KindTerms:
    """a = what the samples of one kind add to the loss, b = their weights; others are not there."""

    spec: Spec
    kind: Kind

    def __call__(self, batch: Batch) -> Terms:
        terms = LossTerms(self.spec)(batch)
        places = _places(self.spec, batch)[self.kind]
        if terms.counted is not None:
            places = places[terms.counted[places]]
        weight = None if batch.weight is None else batch.weight.take(places)
        return Terms([(part.take(places), shift) for part, shift in terms.parts], weight)


def _places(spec: Spec, batch: Batch) -> Mapping[Kind, Integers]:
    """The rows of each kind."""
    pred, told = batch.columns["pred"], spec.all_settings
    if spec.loss.name in BINARY:
        half = 0.0 if told["from_logits"] else HARD
        return _of_one(pred, batch.columns["target"], half)
    label, ignored = batch.columns["label"], told.get("ignore_index")
    if ignored is not None:
        label = np.where(label == ignored, 0, label)
    limits = {} if told["from_logits"] else {k: told[k] for k in _LIMITS if k in told}
    with np.errstate(all="ignore"):
        return _of_logs(label_logs(pred, label, from_logits=told["from_logits"], **limits))


@shared
def _of_one(pred: Numbers, target: Numbers, half: float) -> Mapping[Kind, Integers]:
    """A soft target is of the class that has more of it."""
    positive = target.reshape(-1) >= HARD
    pred = pred.reshape(-1)
    above, below = pred > half, pred < half
    return {
        Kind(True, True): np.flatnonzero(positive & below),
        Kind(False, True): np.flatnonzero(positive & ~below),
        Kind(True, False): np.flatnonzero(~positive & above),
        Kind(False, False): np.flatnonzero(~positive & ~above),
    }


@shared
def _of_logs(logs: Array) -> Mapping[Kind, Integers]:
    hard = logs < math.log(HARD)
    return {Kind(True, None): np.flatnonzero(hard), Kind(False, None): np.flatnonzero(~hard)}


def kinds_of(spec: Spec) -> tuple[Kind, ...]:
    """Those that a loss tells apart: of classes, hard and easy alone."""
    signs = (True, False) if spec.loss.name in BINARY else (None,)
    return tuple(Kind(hard, sign) for hard in (True, False) for sign in signs)


def fitting(context: Context) -> list[Spec]:
    """The losses that are taken apart here: of one family, that of the first of them."""
    found = [s for s in context.specs if s.loss.name in BINARY + CLASSES and s.shares]
    if not found or context.outputs > 1:
        return []
    family = kinds_of(found[0])
    return [spec for spec in found if kinds_of(spec) == family]


@dataclass(frozen=True, slots=True)
class Made:
    """What one kind makes: rows, its share of all rows (by weight), and of each loss."""

    kind: Kind
    rows: int
    share: float
    of: dict[str, float]


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """One part for all losses, with the first of them."""
    specs = fitting(context)
    if not specs or spec != specs[0]:
        return None
    found = yield from made_rounds(specs)
    if not found:
        return None
    names = {str(one): one.brief or str(one) for one in specs}
    of = "weight" if context.weighted else "rows"
    asked = table(found, names, of) if context.decompose else None
    shown = {str(one.kind): {"rows": one.rows, "share": one.share, "of": one.of} for one in found}
    data = {"hard": HARD, "shares_of": of, "kinds": shown}
    return Part("kinds", sentence(found, names, of), data, asked)


def made_rounds(specs: list[Spec]) -> Rounds[list[Made]]:
    """What each kind makes of the losses; nothing where a value is not finite or a loss is 0."""
    kinds = kinds_of(specs[0])
    asked = {(spec, kind): Sums(KindTerms(spec, kind)) for spec in specs for kind in kinds}
    states = yield tuple(asked.values())
    each: dict[Kind, SumsState] = {kind: states[asked[specs[0], kind]] for kind in kinds}
    total = sum(state.b for state in each.values())
    sums = {spec: sum(states[asked[spec, kind]].a for kind in kinds) for spec in specs}
    able = [
        spec
        for spec in specs
        if sums[spec] > 0 and not any(states[asked[spec, kind]].infinite for kind in kinds)
    ]
    if specs[0] not in able or not total:
        return []
    return [
        Made(
            kind,
            each[kind].nonzero,
            ratio(each[kind].b, total),
            {str(spec): ratio(states[asked[spec, kind]].a, sums[spec]) for spec in able},
        )
        for kind in kinds
    ]


def sentence(found: list[Made], names: dict[str, str], of: str) -> str:
    """`hard positives (p(true) < 0.5) are 3.2 % of rows and 61 % of bce, 80 % of binary_focal`."""
    leading = next(iter(found[0].of))
    most = max(found, key=lambda one: one.of[leading])
    if len(found) > 2 and not most.kind.hard:  # how the two hard kinds fare together, too
        hard = [one for one in found if one.kind.hard]
        rest = f"; hard rows (p(true) < {HARD:g}) are " + _shares(hard, leading, names, of)
        return f"{most.kind} are " + _shares([most], leading, names, of) + rest
    hardness = f" (p(true) {'<' if most.kind.hard else '≥'} {HARD:g})"
    return f"{most.kind}{hardness} are " + ", ".join(_all_shares(most, names, of))


def _shares(made: list[Made], leading: str, names: dict[str, str], of: str) -> str:
    rows, loss = (math.fsum(v) for v in ([m.share for m in made], [m.of[leading] for m in made]))
    return f"{percent(rows)} of {rows_or_weight(of)} and {percent(loss)} of {names[leading]}"


def _all_shares(most: Made, names: dict[str, str], of: str) -> Iterator[str]:
    leading, *others = most.of
    yield _shares([most], leading, names, of)
    for spec in others:
        yield f"{percent(most.of[spec])} of {names[spec]}"


def table(found: list[Made], names: dict[str, str], of: str) -> Table:
    """One line per kind."""
    columns = [Column("kind", "text"), Column("rows", "count", 2), Column(f"of {of}", "share")]
    columns += [Column(names[spec], "share", 3 * place) for place, spec in enumerate(found[0].of)]
    lines = ((str(one.kind), one.rows, one.share, *one.of.values()) for one in found)
    return Table(tuple(columns), tuple(lines))
