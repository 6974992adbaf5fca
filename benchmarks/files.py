"""The data files that commands name: made when they are first needed, in a process of their own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Command, measure

HERE = Path(__file__).resolve().parent
NAMES = {"classes": ("pred", "label"), "classes-columns": ("pred", "label")}


@dataclass(frozen=True)
class Files:
    """A folder KIND/ROWS/NAME.FORM. `kept`: it outlives the run; `scale` shrinks every size."""

    folder: Path
    kept: bool
    scale: float = 1.0

    def rows(self, full: int) -> int:
        """How many rows a workload of `full` rows gets."""
        return max(1, round(full * self.scale))

    def pair(self, kind: str, form: str, rows: int) -> list[str]:
        """Predictions and targets."""
        names = NAMES.get(kind, ("pred", "target"))
        return [str(self.folder / kind / str(rows) / f"{name}.{form}") for name in names]

    def out(self, name: str) -> str:
        """Where commands may write; it is not made, and whoever has it written takes it away."""
        return str(self.folder / name)

    def make(self, *commands: Command) -> None:
        """What the commands name and is not there."""
        for path in self._named(*commands):
            if path.exists():
                continue
            rows, kind = path.parent.name, path.parent.parent.name
            form = path.name.partition(".")[2]
            print(f"making {int(rows):,} rows of {kind}, {form} ...", file=sys.stderr, flush=True)
            told = [kind, rows, form, str(path.parent)]
            measure([sys.executable, str(HERE / "data.py"), *told])

    def drop(self, *commands: Command) -> None:
        """Take away what the commands name, unless it is to be kept."""
        for path in [] if self.kept else self._named(*commands):
            path.unlink(missing_ok=True)

    def _named(self, *commands: Command) -> list[Path]:
        paths = {Path(word): None for command in commands for word in command}
        return [path for path in paths if path.parent.parent.parent == self.folder]
