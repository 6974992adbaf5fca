"""The ledger of numbers: rows whose value a floor, a clip, a row of probabilities that does not
sum to 1 or float64's range decides; their share, and what another convention says.

Another convention is the same loss with another `eps`, `log_clamp` or `normalize`: those that the
loss declares for other libraries. It is scored in the pass after the rows were counted, and only
where there are any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from lossctl.analyses import clipped
from lossctl.analyses.context import Context, percent
from lossctl.arrays import Mask
from lossctl.batch import Batch
from lossctl.exact import ratio, root_ratio
from lossctl.numerics import floating, row_sum
from lossctl.reductions import Reduced
from lossctl.report import Json, Part
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec, make, written
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import LossTerms

LIMITS = ("eps", "log_clamp")  # the settings that say how a probability of nearly 0 is scored
USUAL = 1e-7  # the eps that is tried where no library has one of its own for the loss
SAME = 1e-3  # values nearer than this, relative to one another, are not told apart
ROUNDED = 2.0**-11  # how far from 1 the sums of float32 rows may be
SAID = 3  # conventions of one loss


@dataclass(frozen=True, slots=True)
class Marked:
    """a = what a marked row adds to the loss, b = 1 for each such row; of no others."""

    spec: Spec
    kind: (
        str  # "saturated": a probability of exactly 0 or 1; "off": a row that sums to other than 1
    )

    def __call__(self, batch: Batch) -> Terms:
        marked = (_saturated if self.kind == "saturated" else _off)(self.spec, batch)
        return clipped.marked_terms(self.spec, batch, marked)


@dataclass(frozen=True, slots=True)
class Convention:
    """A loss as others have it: whose, the settings that differ, and the value."""

    like: tuple[str, ...]
    settings: tuple[tuple[str, float | bool | None], ...]
    value: Reduced

    @property
    def said(self) -> str:
        """`0.233 with eps=1e-07 (keras)`."""
        told = ", ".join(f"{name}={written(one)}" for name, one in self.settings if one is not None)
        whose = f" ({', '.join(self.like)})" if self.like else ""
        result = self.value.status if self.value.value is None else f"{self.value.value:.4g}"
        return f"{result} with {told}{whose}"

    @property
    def data(self) -> Json:
        """As JSON."""
        settings = dict(self.settings)
        return {
            "like": list(self.like),
            "settings": settings,
            "value": self.value.value,
            "status": self.value.status,
        }


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of one loss: all rows, the clipped, saturated and unnormalised ones, and conventions."""

    whole: SumsState
    clipped: SumsState | None
    saturated: SumsState | None
    off: SumsState | None
    conventions: tuple[Convention, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether there is nothing to say."""
        counted = (self.clipped, self.off)
        return not self.whole.infinite and not any(one and one.nonzero for one in counted)


def rounds(context: Context, spec: Spec) -> Rounds[Numbers | None]:
    """None for a loss that is no sum over rows."""
    if not spec.reduction.sums or (context.outputs > 1 and not context.adds_up(spec)):
        return None
    asked = {"whole": Sums(LossTerms(spec), context.moments)}
    if spec.loss.clipped is not None:
        asked["clipped"] = Sums(clipped.ClippedTerms(spec))
    if spec.loss.clipped is not None and spec.told("from_logits") is not True:
        asked["saturated"] = Sums(Marked(spec, "saturated"))
    if _ruled(spec) is not None and not spec.told("normalize"):
        asked["off"] = Sums(Marked(spec, "off"))
    states = yield tuple(asked.values())
    found = {name: states[sums] for name, sums in asked.items()}
    numbers = Numbers(
        found["whole"], found.get("clipped"), found.get("saturated"), found.get("off")
    )
    others = list(_others(context, spec, numbers))
    values = yield from in_step(context.reduced(one, moments=False) for _, _, one in others)
    conventions = (
        Convention(like, settings, value)
        for (like, settings, _), value in zip(others, values, strict=True)
    )
    return replace(numbers, conventions=tuple(conventions))


Settings = tuple[tuple[str, float | bool | None], ...]


def _others(
    context: Context, spec: Spec, found: Numbers
) -> Iterator[tuple[tuple[str, ...], Settings, Spec]]:
    """The same loss by other conventions, where rows depend on them."""
    if context.whole is not None and spec in context.whole.together:
        return  # its rows depend on one another: they were scored once
    own = spec.all_settings
    if found.clipped is not None and found.clipped.nonzero and "eps" in own:
        having = tuple(name for name in LIMITS if name in own)
        peers: dict[Settings, list[str]] = {}
        for peer, preset in spec.loss.like.items():
            if any(name in preset for name in having):
                peers.setdefault(tuple((name, preset.get(name)) for name in having), []).append(
                    peer
                )
        if not peers:
            peers[tuple((name, USUAL if name == "eps" else None) for name in having)] = []
        for settings, names in peers.items():
            if any(own[name] != value for name, value in settings):
                told = {**own, **dict(settings)}
                yield tuple(names), settings, make(spec.loss, told, spec.named_reduction)
    if found.off is not None and found.off.nonzero and own.get("normalize") is False:
        told = {**own, "normalize": True}
        yield (), (("normalize", True),), make(spec.loss, told, spec.named_reduction)


def part(
    context: Context,
    found: Mapping[str, Numbers | None],
    values: Mapping[str, Reduced],
    dropped: Mapping[str, int] | None = None,
) -> Part | None:
    """The `numbers` paragraph; None where no loss has anything to say.

    `dropped` are the rows that were left out, by reason: they belong to the data.
    """
    said, data = [], {}
    for spec in context.specs:
        numbers = found.get(str(spec))
        if numbers is None or numbers.silent:
            continue
        value = values[str(spec)]
        said.append(_sentence(spec, numbers, value))
        data[str(spec)] = _data(spec, numbers, value)
    if not said:
        return None
    return Part("numbers", "; ".join(said), {"losses": data, "dropped": dict(dropped or {})})


def _sentence(spec: Spec, found: Numbers, value: Reduced) -> str:
    """`2 clipped rows = 71.2 % of bce: 0.139 with eps=1e-07 (keras)`."""
    said = []
    for state, one, several in (
        (found.clipped, "clipped row", "clipped rows"),
        (found.off, "row that does not sum to 1", "rows that do not sum to 1"),
    ):
        if state is not None and state.nonzero:
            rows = f"{state.nonzero} {one if state.nonzero == 1 else several}"
            share = _share(spec, state, value)
            said.append(rows if share is None else f"{rows} = {percent(share)}")
    text = ", ".join(said)
    if text:
        text += f" {'of' if spec.shares else 'in'} {spec.brief}"
        told = [one.said for one in _unlike(found.conventions, value)]
        text += f": {', '.join(told)}" if told else ""
    if not found.whole.infinite:
        return text
    verb = "row is" if found.whole.infinite == 1 else "rows are"
    infinite = f"{found.whole.infinite} {verb} not finite in {spec.brief}"
    rest = _rest(spec, found.whole)
    infinite += "" if rest is None else f", the others give {rest:.4g}"
    return f"{text}; {infinite}" if text else infinite


def _unlike(conventions: tuple[Convention, ...], value: Reduced) -> list[Convention]:
    """The conventions that say something else, finite ones first, the furthest before."""

    def distance(one: Convention) -> float:
        if one.value.value is None or value.value is None:
            return -1.0
        return abs(one.value.value - value.value) / max(abs(value.value), 1e-300)

    unlike = [
        one
        for one in conventions
        if distance(one) > SAME or (one.value.status, value.status).count("ok") == 1
    ]
    return sorted(unlike, key=distance, reverse=True)[:SAID]


def _share(spec: Spec, part: SumsState, value: Reduced) -> float | None:
    """The share of some rows in the loss; None where shares mean nothing."""
    if not spec.shares or not value.total or part.infinite:
        return None
    return ratio(part.a, value.total)


def _rest(spec: Spec, state: SumsState) -> float | None:
    """The mean of the rows that are finite, where the loss is one."""
    if state.b <= 0 or spec.reduction.name not in ("mean", "root_mean"):
        return None
    try:
        rooted = spec.reduction.name == "root_mean"
        found = root_ratio(state.a, state.b) if rooted else ratio(state.a, state.b)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _data(spec: Spec, found: Numbers, value: Reduced) -> Json:
    counted = {"clipped": found.clipped, "saturated": found.saturated, "unnormalised": found.off}
    rows: Json = {
        name: {"rows": state.nonzero, "share": _share(spec, state, value)}
        for name, state in counted.items()
        if state is not None
    }
    return {
        **rows,
        "infinite": {"rows": found.whole.infinite, "others": _rest(spec, found.whole)},
        "count": found.whole.count,
        "conventions": [one.data for one in found.conventions],
    }


def _ruled(spec: Spec) -> str | None:
    """The role whose rows should sum to 1."""
    for role in spec.roles:
        if role.domain.row is not None and role.domain.row.warning:
            return role.name
    return None


def _off(spec: Spec, batch: Batch) -> Mask:
    """Rows of probabilities that do not sum to 1, beyond what float32 rounds."""
    off = np.zeros(batch.count, dtype=bool)
    for role in spec.roles:
        rule = role.domain.row
        column = batch.columns.get(role.name)
        ruled = rule is not None and rule.warning
        if ruled and isinstance(column, np.ndarray) and column.ndim == 2:
            off |= np.abs(row_sum(floating(column)) - 1.0) > ROUNDED
    return off


def _saturated(spec: Spec, batch: Batch) -> Mask:
    """Rows whose prediction is exactly 0 or 1; of several classes, exactly 1 for one of them."""
    pred = batch.columns.get("pred")
    if not isinstance(pred, np.ndarray):
        return np.zeros(batch.count, dtype=bool)
    label = any(role.domain.shape == "vector" for role in spec.roles if role.name == "pred")
    sure = pred == 1.0 if label else (pred == 1.0) | (pred == 0.0)
    return sure if sure.ndim == 1 else np.asarray(sure.any(axis=1))
