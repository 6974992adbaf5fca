"""What is asked of several models, beside their losses."""

from __future__ import annotations

from dataclasses import dataclass

from lossctl.analyses.inference.corrections import METHODS
from lossctl.errors import UsageError

INTERVALS = ("delta", "bca")
TESTS = ("t", "permutation", "wilcoxon", "sign")
MOST = 1_000_000  # resamples


@dataclass(frozen=True, slots=True)
class Question:
    """How surely differences are judged: see `cli.options` for each. `sort` is a loss, by which the
    models are put in order. Raises UsageError for what cannot be."""

    confidence: float = 0.95
    correction: str = "holm"
    interval: str = "delta"
    test: str = "t"
    resamples: int = 10_000
    seed: int = 0
    cluster: str | None = None
    time: str | None = None
    horizon: int | None = None
    sweep: str | None = None
    sort: str | None = None
    curves: bool = False

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("--correction", self.correction, tuple(METHODS)),
            ("--ci", self.interval, INTERVALS),
            ("--test", self.test, TESTS),
        ):
            if value not in allowed:
                raise UsageError(f"{name} is {value}", f"it is one of {', '.join(allowed)}")
        if not 0.5 <= self.confidence < 1.0:
            raise UsageError(
                f"--confidence is {self.confidence:g}", "it is from 0.5 to less than 1, or 95%"
            )
        if not 100 <= self.resamples <= MOST:
            raise UsageError(f"--resamples is {self.resamples}", f"it is from 100 to {MOST}")
        if self.seed < 0:
            raise UsageError(f"--seed is {self.seed}", "it must be at least 0")
        for name, column in (("--cluster", self.cluster), ("--time", self.time)):
            if column == "":
                raise UsageError(f"{name} is empty", "name a column")
        if self.horizon is not None and self.time is None:
            raise UsageError("--horizon is about --time", "--time COL names when rows are")
        if self.horizon is not None and self.horizon < 1:
            raise UsageError(f"--horizon is {self.horizon}", "it must be at least 1")
        if self.cluster is not None and self.time is not None:
            raise UsageError("--cluster and --time exclude each other",
                             "rows of one time count as one already")  # fmt: skip
        if (self.cluster or self.time) and self.test != "t":
            raise UsageError(f"--test {self.test} takes rows as independent",
                             "leave it out with --cluster and --time")  # fmt: skip
        if (self.cluster or self.time) and self.interval != "delta":
            raise UsageError("--ci bca takes rows as independent",
                             "leave it out with --cluster and --time")  # fmt: skip

    @property
    def units(self) -> tuple[tuple[str, str], ...]:
        """The option and the column that say which rows depend on each other."""
        asked = (("--cluster", self.cluster), ("--time", self.time))
        return tuple((option, column) for option, column in asked if column)

    @property
    def level(self) -> float:
        """The p-value below which a difference is shown."""
        return 1.0 - self.confidence

    @property
    def unit(self) -> str:
        """What is independent of each other."""
        return "clusters" if self.cluster else "time points" if self.time else "rows"
