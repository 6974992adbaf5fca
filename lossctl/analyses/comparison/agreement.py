"""Which losses prefer which model, and the rows that make them disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.comparison.flips import Flip
from lossctl.analyses.comparison.judged import Judged
from lossctl.analyses.context import prose
from lossctl.analyses.inference.ranks import midranks
from lossctl.analyses.wording import counted, listed
from lossctl.arrays import Array
from lossctl.report import Part, said_name

NAMED = 5  # rows


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """The ranks (losses, models) of the losses that have one for every model, and Kendall's W."""

    losses: tuple[Judged, ...]
    ranks: Array
    w: float | None

    @property
    def winners(self) -> dict[int, list[Judged]]:
        """The losses that prefer each model; of a tie the first."""
        found: dict[int, list[Judged]] = {}
        for one, ranks in zip(self.losses, self.ranks, strict=True):
            if float(ranks.min()) < float(ranks.max()):
                found.setdefault(int(ranks.argmin()), []).append(one)
        return found


def agreement(found: Sequence[Judged]) -> Agreement | None:
    """None where fewer than two losses have a value for every model."""
    known = [(one, sizes) for one in found if (sizes := one.sizes) is not None]
    if len(known) < 2:
        return None
    ranks = np.array([midranks(np.array(sizes))[0] for _, sizes in known])
    return Agreement(tuple(one for one, _ in known), ranks, concordance(ranks))


def concordance(ranks: Array) -> float | None:
    """Kendall's W of `ranks` (judges, items), corrected for ties; None where all are alike.

    W = 12 S / (m² (k³ - k) - m T) (Kendall and Babington Smith 1939; Siegel 1956 for ties).
    """
    judges, items = ranks.shape
    sums = ranks.sum(axis=0)
    spread = float(np.square(sums - sums.mean()).sum())
    ties = sum(
        float(count**3 - count)
        for row in ranks
        for count in np.unique(row, return_counts=True)[1].tolist()
    )
    most = judges**2 * (items**3 - items) - judges * ties
    return 12.0 * spread / most if most > 0.0 else None


def part(found: Agreement, names: Sequence[str], flips: Mapping[str, Flip | None]) -> Part:
    """Which losses prefer which model, and, where they differ, the rows that decide it."""
    winners = found.winners
    data = {
        "w": found.w,
        "ranks": {
            str(one.spec): dict(zip(names, ranks.tolist(), strict=True))
            for one, ranks in zip(found.losses, found.ranks, strict=True)
        },
    }
    agreed = ""
    if found.w is not None and len(names) > 2:
        agreed = f"; their orders agree by {found.w:.2f} of 1"
    if len(winners) == 1:
        [(number, losses)] = winners.items()
        others = len(found.losses) - len(losses)
        every = "both" if len(losses) == 2 else f"all {len(losses)}"
        text = f"{every} losses prefer {names[number]}"
        if others:
            text = f"{len(losses)} losses prefer {names[number]}, {others} none"
        return Part("agreement", text + agreed, data)
    if not winners:
        return Part("agreement", "no loss prefers a model", data)
    order = sorted(winners, key=lambda number: -len(winners[number]))
    sides = [f"{_losses(winners[number])} prefer{_s(winners[number])} {names[number]}"
             for number in order]  # fmt: skip
    text = "; ".join(sides)
    turning = _turning(winners, flips)
    if turning is not None:
        text += f": {turning}"
    return Part("agreement", text + agreed, data)


def _losses(losses: Sequence[Judged]) -> str:
    return listed([prose(one.spec) for one in losses], 5)


def _s(losses: Sequence[Judged]) -> str:
    return "s" if len(losses) == 1 else ""


def _turning(
    winners: Mapping[int, Sequence[Judged]], flips: Mapping[str, Flip | None]
) -> str | None:
    """The smallest set of rows without which one of the losses would agree with the others."""
    known = [
        (flip.count, str(one.spec), one, flip)
        for losses in winners.values()
        for one in losses
        if (flip := flips.get(str(one.spec))) is not None and flip.count is not None
        and flip.second in winners
    ]  # fmt: skip
    if not known:
        return None
    count, _, one, flip = min(known, key=lambda each: each[:2])
    if not flip.samples:
        return None
    return f"{prose(one.spec)} turns on {counted(count)} ({named(flip)})"


def named(flip: Flip, most: int = NAMED) -> str:
    """The first rows of a flip: `#340 #120 #256 …`."""
    names = [said_name(sample["row"], sample["id"]) for sample in flip.samples[:most]]
    more = (len(flip.samples) if flip.count is None else flip.count) > len(names)
    return " ".join(names) + (" …" if more else "")
