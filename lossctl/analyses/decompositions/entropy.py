"""Cross-entropy as what no forecast can avoid and what this one adds: entropy plus divergence.

Of labels the entropy is 0, and the yardstick is the forecast that gives every row the base rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.context import Context, prose
from lossctl.arrays import Array, Integers, Mask, Numbers
from lossctl.batch import Batch
from lossctl.exact import ONE as ONE_ROW
from lossctl.exact import ratio
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.numerics import floating, row_sum
from lossctl.probabilities import class_probabilities, of_class, weighted_logs
from lossctl.report import Json, Part
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import ColumnTerms, LossTerms, RoleColumn, WeightColumn

SOFT, ONE, LABEL = (
    "categorical_cross_entropy", "binary_cross_entropy", "sparse_categorical_cross_entropy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entropy:
    """The entropy of each row's target, in nats."""

    smoothing: float

    def __call__(self, batch: Batch) -> Array:
        shares = floating(batch.columns["target"])
        if self.smoothing > 0.0:
            shares = shares * (1.0 - self.smoothing) + self.smoothing / shares.shape[1]
        with np.errstate(divide="ignore"):
            return 0.0 - row_sum(weighted_logs(shares, np.log(shares)))


@dataclass(frozen=True, slots=True)
class Impossible:
    """a = 1 for each row whose truth (or a part of it) has a predicted probability of 0."""

    spec: Spec

    def __call__(self, batch: Batch) -> Terms:
        return Terms([(self._rows(batch).astype(np.float64), 0)])

    def _rows(self, batch: Batch) -> Mask:
        told, pred = self.spec.all_settings, batch.columns["pred"]
        if told["from_logits"]:
            return np.zeros(batch.count, dtype=bool)
        if self.spec.loss.name == ONE:
            target: Numbers = batch.columns["target"].reshape(-1)
            pred = pred.reshape(-1)
            return np.asarray(((pred == 0.0) & (target > 0.0)) | ((pred == 1.0) & (target < 1.0)))
        shares = class_probabilities(pred, from_logits=False, normalize=told["normalize"])
        if self.spec.loss.name == SOFT:
            truth = batch.columns["target"] > 0.0
            return np.asarray(((shares == 0.0) & truth).any(axis=1))
        label, ignored = batch.columns["label"], told["ignore_index"]
        counted = np.ones(batch.count, dtype=bool) if ignored is None else label != ignored
        return np.asarray(counted & (of_class(shares, np.where(counted, label, 0)) == 0.0))


@dataclass(frozen=True, slots=True)
class LabelKey:
    """The class of each row."""

    def __call__(self, batch: Batch) -> Integers:
        label: Integers = batch.columns["label"].astype(np.int64)
        return label


@dataclass(frozen=True, slots=True)
class Rows:
    """a = the weight of each row."""

    def __call__(self, batch: Batch) -> Terms:
        weight = batch.weight
        return Terms([(np.ones(batch.count) if weight is None else weight, 0)])


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """For one cross-entropy: the first that counts all classes and samples alike."""
    if context.outputs > 1 or spec != next((s for s in context.specs if _plain(s)), None):
        return None
    if context.wholes.get("class_weight") is not None:
        return None
    if spec.loss.name == SOFT:
        return (yield from _soft(context, spec)) if context.decompose else None
    if spec.loss.name == LABEL and not context.decompose:
        return None
    return (yield from _against_base_rate(context, spec))


def _plain(spec: Spec) -> bool:
    """Whether it is the cross-entropy, with no weights of classes."""
    told = spec.all_settings
    if spec.loss.name == SOFT:
        return True
    if spec.loss.name not in (ONE, LABEL) or told["label_smoothing"] != 0.0:
        return False
    return told.get("pos_weight", 1.0) == 1.0 and not told.get("balanced", False)


def _impossible(spec: Spec, state: SumsState, truth: str) -> tuple[int, str]:
    """How many rows give the truth no probability, and the words for it."""
    count = state.a // ONE_ROW
    if not count:
        return 0, ""
    noun = "row has" if count == 1 else "rows have"
    return count, f"; {count} {noun} p = 0 {truth}{_shown_as(spec)}"


def _shown_as(spec: Spec) -> str:
    eps, clamp = spec.all_settings["eps"], spec.all_settings["log_clamp"]
    if clamp is not None:
        return f" (infinite; shown with a logarithm of {clamp:g})"
    least = spec.all_settings["floor"] if eps is None else eps
    return f" (infinite; shown clipped at {least:.3g})" if least else " (infinite)"


@dataclass(frozen=True, slots=True)
class Halves:
    """Means over the rows, in nats: cross_entropy = entropy + kl."""

    entropy: float
    kl: float
    cross_entropy: float
    zeros: SumsState  # the rows with a probability of 0 for what is


def entropy_rounds(context: Context, spec: Spec) -> Rounds[Halves | None]:
    """The divergence is the exact difference of the sums, rounded once; infinite, as the
    cross-entropy, where that of a row is. None where no row has weight."""
    weight = WeightColumn() if context.weighted else None
    sums = Sums(LossTerms(spec), context.moments)
    floor = Sums(ColumnTerms(Entropy(spec.all_settings["label_smoothing"]), weight))
    zero = Sums(Impossible(spec))
    states = yield (sums, floor, zero)
    cross, least = states[sums], states[floor]
    if least.infinite or not least.b:
        return None
    entropy = ratio(least.a, least.b)
    if cross.infinite:
        return Halves(entropy, math.inf, math.inf, states[zero])
    kl, whole = ratio(cross.a - least.a, least.b), ratio(cross.a, least.b)
    return Halves(entropy, kl, whole, states[zero])


def _soft(context: Context, spec: Spec) -> Rounds[Part | None]:
    found = yield from entropy_rounds(context, spec)
    if found is None or math.isinf(found.kl):
        return None
    zeros, said = _impossible(spec, found.zeros, "where the target is not 0")
    text = (
        f"{prose(spec)} {found.cross_entropy:.4g} = {found.entropy:.4g} entropy of the targets "
        f"(no forecast has less) + {found.kl:.4g} KL{said}"
    )
    numbers = {"entropy": found.entropy, "kl": found.kl, "cross_entropy": found.cross_entropy}
    return Part("entropy", text, {"loss": str(spec), **numbers, "zeros": zeros})


def _against_base_rate(context: Context, spec: Spec) -> Rounds[Part | None]:
    """`1 - CE / H(base rate)`: 0 for a forecast that only knows how frequent the classes are."""
    weight = WeightColumn() if context.weighted else None
    sums, zero = Sums(LossTerms(spec), context.moments), Sums(Impossible(spec))
    rates: Sums | KeyedSums = KeyedSums(LabelKey(), Rows())
    if spec.loss.name == ONE:
        rates = Sums(ColumnTerms(RoleColumn("target"), weight))
    states = yield (sums, rates, *((zero,) if context.decompose else ()))
    cross: SumsState = states[sums]
    shares = _rates(states[rates], spec.all_settings.get("ignore_index"))
    if cross.infinite or not cross.b or shares is None:
        return None
    value, floor = cross.mean, float(0.0 - row_sum(weighted_logs(shares, np.log(shares)))[0])
    if floor == 0.0:
        return None
    skill = 1.0 - value / floor
    if skill < -1.0:
        compared = f"{1.0 - skill:.3g} times"
    else:
        compared = f"{100 * abs(skill):.3g} % {'less' if skill >= 0.0 else 'more'} than"
    text = f"{prose(spec)} {value:.4g} is {compared} that of the base rate ({floor:.4g})"
    told: Json = {"loss": str(spec), "cross_entropy": value, "base_rate": floor, "skill": skill}
    if context.decompose:
        told["zeros"], said = _impossible(spec, states[zero], "for the truth")
        text += said
    return Part("base rate", text, told)


def _rates(state: SumsState | KeyedState, ignored: int | None) -> Array | None:
    """The share of each class, as one row; None where they are not known."""
    if isinstance(state, SumsState):
        if state.infinite or not state.b:
            return None
        one = ratio(state.a, state.b)
        shares = [one, 1.0 - one]
    else:
        each = {key: sums.a for key, sums in state.groups.items() if key != ignored}
        total = sum(each.values())
        if state.overfull or not total:
            return None
        shares = [ratio(a, total) for _, a in sorted(each.items())]
    return np.array([share for share in shares if share > 0.0])[np.newaxis]
