"""What a candidate is compared with: other predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lossctl.plan import NOT_NAMES, Contender
from lossctl.readers.source import Source


@dataclass(frozen=True, slots=True)
class Baseline:
    """Predictions, in a file or open already. `missing` says why there are none."""

    name: str
    pred: str | Source
    columns: str | None = None
    missing: str | None = None

    def contenders(self, pred: str | Source, pred_col: str | None) -> tuple[Contender, Contender]:
        """The baseline and the candidate as models, by the names of their files where these are
        unlike."""
        names = [self.name, Path(pred).stem if isinstance(pred, str) else "candidate"]
        if names[0] == names[1] or set(names) & {*NOT_NAMES, "-", ""}:
            names = ["baseline", "candidate"]
        first = Contender(names[0], self.pred, self.columns or pred_col)
        return first, Contender(names[1], pred, pred_col)


def baseline_of(text: str) -> Baseline:
    """The baseline in a file: `FILE[:COLUMNS]`."""
    path, columns = text, None
    if not Path(text).exists():
        head, colon, rest = text.rpartition(":")
        if colon and head and Path(head).exists():
            path, columns = head, rest
    name = Path(path).stem
    if not Path(path).exists():
        return Baseline(name, path, missing=f"the baseline {path} does not exist")
    return Baseline(name, path, columns)
