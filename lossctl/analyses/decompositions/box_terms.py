"""Losses of boxes as the terms that they add up: overlap, distance of the centres, shape, hull."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lossctl.analyses.context import Context, percent
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.exact import Exact, ratio
from lossctl.losses.boxes import pieces
from lossctl.report import Column, Part, Table
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import ColumnTerms, WeightColumn

MEANS = {
    "overlap": "1 - IoU: what the two boxes do not share",
    "centre": "the distance of the centres",
    "aspect": "unlike shapes",
    "enclosing": "the gap: what of the box around both is in neither",
}
PIECES = {
    "giou_loss": ("overlap", "enclosing"),
    "diou_loss": ("overlap", "centre"),
    "ciou_loss": ("overlap", "centre", "aspect"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One term of each row's loss."""

    spec: Spec
    name: str

    def __call__(self, batch: Batch) -> Array:
        told = {k: v for k, v in self.spec.all_settings.items() if k != "as_similarity"}
        pred, target = batch.columns["pred"], batch.columns["target"]
        return pieces(self.spec.loss.name, pred, target, **told)[self.name]


@dataclass(frozen=True, slots=True)
class Apart:
    """a = what a pair that shares nothing adds to the loss; other pairs do not count."""

    spec: Spec
    names: tuple[str, ...]

    def __call__(self, batch: Batch) -> Terms:
        lone = Piece(self.spec, "overlap")(batch) == 1.0
        weight = lone * WeightColumn()(batch)
        found = (Piece(self.spec, name)(batch) * weight for name in self.names)
        return Terms([(piece, 0) for piece in found], weight, lone)


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """For GIoU, DIoU and CIoU, as losses or as similarities; in brief for one of them."""
    names = PIECES.get(spec.loss.name, ())
    if (
        not names
        or not spec.reduction.additive
        or not (context.decompose or spec == _rich(context))
    ):
        return None
    weight = WeightColumn() if context.weighted else None
    sums = {name: Sums(ColumnTerms(Piece(spec, name), weight)) for name in names}
    lone = Sums(Apart(spec, names))
    asked: list[Rounds[Any]] = [context.reduced(spec), *map(one_state, (lone, *sums.values()))]
    reduced, apart, *states = yield from in_step(asked)
    found = {name: state.a for name, state in zip(names, states, strict=True)}
    if reduced.value is None or not reduced.divisor or not sum(found.values()):
        return None
    return _part(context, spec, found, apart, states[0].b, reduced.divisor)


def _rich(context: Context) -> Spec:
    return max(context.specs, key=lambda spec: len(PIECES.get(spec.loss.name, ())))


def _part(
    context: Context,
    spec: Spec,
    sums: dict[str, Exact],
    apart: SumsState,
    weights: Exact,
    divisor: Exact,
) -> Part:
    total = sum(sums.values())
    value, values = ratio(total, divisor), {name: ratio(a, divisor) for name, a in sums.items()}
    shares = {name: ratio(a, total) for name, a in sums.items()}
    like = f"{value:.4g}"
    said = [f"{_beside(one, like)} {name}" for name, one in values.items()]
    if spec.told("as_similarity"):
        most = ratio(weights, divisor)
        shown = ratio(weights - total, divisor)
        text = f"{spec.loss.label} {shown:.4g} = {most:.4g} - " + " - ".join(said)
    else:
        text = f"{spec.loss.label} {value:.4g} = " + " + ".join(said)
    if apart.count:
        pairs = "1 pair does" if apart.count == 1 else f"{apart.count} pairs do"
        makes = "makes" if apart.count == 1 else "make"
        text += f"; {pairs} not overlap and {makes} {percent(ratio(apart.a, total))} of the loss"
    data = {
        "loss": spec.text,
        "value": value,
        "apart": {"rows": apart.count, "share": ratio(apart.a, total)},
        "pieces": {name: {"value": values[name], "share": shares[name]} for name in sums},
    }
    table = None
    if context.decompose:
        columns = (
            Column("piece", "text"),
            Column("value", "value"),
            Column("of the loss", "share"),
            Column("what it is", "text", 1),
        )
        lines = ((name, values[name], shares[name], MEANS[name]) for name in sums)
        table = Table(columns, tuple(lines))
    return Part(f"boxes {spec.brief}", text, data, table)


def _beside(value: float, like: str) -> str:
    """With as many decimals as `like` has, or, where that leaves nothing, two digits."""
    text = f"{value:.{len(like.partition('.')[2])}f}" if "e" not in like else f"{value:.4g}"
    return text if value == 0.0 or float(text) else f"{value:.2g}"
