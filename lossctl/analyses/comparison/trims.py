"""The leading loss of every model without its own largest rows: does the order hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossctl.analyses.comparison.judged import first_of
from lossctl.analyses.context import Context, prose
from lossctl.analyses.trimmed import Trimmed, trimmed
from lossctl.analyses.wording import percent
from lossctl.models import Model
from lossctl.report import Column, Part, Table
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec

TABLED = 3  # models whose values have room beside each other
SHARES = (0.001, 0.01, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Trims:
    """By share of the rows, every model's loss without so many of its own largest; shares that are
    less than a row are left out."""

    spec: Spec
    path: tuple[tuple[float, tuple[float, ...]], ...]

    def best(self) -> list[int]:
        """The best model at each share."""
        firsts = (first_of(values, self.spec.direction) for _, values in self.path)
        return [first for first in firsts if first is not None]


def trims(context: Context, models: Sequence[Model]) -> Rounds[Trims | None]:
    """Of the leading loss; None where it is no sum of what rows add."""
    spec = context.leading
    found: list[Trimmed | None] = yield from in_step(
        trimmed(context, spec, share, model) for share in SHARES for model in models
    )
    path = []
    for place, share in enumerate(SHARES):
        each = found[place * len(models) : (place + 1) * len(models)]
        values = [one.value for one in each if one is not None and one.count]
        known = [value for value in values if value is not None]
        if len(known) == len(models):
            path.append((share, tuple(known)))
    return Trims(spec, tuple(path)) if path else None


def part(found: Trims, names: Sequence[str], first: int) -> Part:
    """Whether the model that is best of all rows stays so."""
    name = prose(found.spec)
    lost = [share for (share, _), best in zip(found.path, found.best(), strict=True)
            if best != first]  # fmt: skip
    least, most = (percent(found.path[place][0]) for place in (0, -1))
    data = {
        "loss": str(found.spec),
        "path": [{"share": share, "values": dict(zip(names, values, strict=True)),
                  "best": names[best]}
                 for (share, values), best in zip(found.path, found.best(), strict=True)],
    }  # fmt: skip
    if not lost:
        text = (f"{names[first]} stays best by {name} without the largest {least} to {most} "
                "of each model's rows")  # fmt: skip
        return Part("trimmed", text, data)
    said: list[str] = []
    before = first
    for (share, _), best in zip(found.path, found.best(), strict=True):
        if best != before:
            which = "" if said else f" of each model's rows {names[best]} is best by {name}"
            said.append(f"the largest {percent(share)}{which}" if not said
                        else f"{percent(share)} {names[best]}")  # fmt: skip
            before = best
    text = f"without {', without '.join(said)}"
    if len(names) > TABLED:
        return Part("trimmed", text, data)
    columns = [Column("without", "share"), *(Column(model, "value") for model in names),
               Column("best", "text")]  # fmt: skip
    rows = [(share, *values, names[best])
            for (share, values), best in zip(found.path, found.best(), strict=True)]  # fmt: skip
    return Part("trimmed", text, data, Table(tuple(columns), tuple(rows)))
