"""How a gate decides: its requirements, and what its options say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossctl.analyses.comparison.question import Question
from lossctl.checks import Check, Gate, Outcome
from lossctl.errors import ExitStatus, UsageError
from lossctl.gates.baseline import Baseline
from lossctl.gates.requirement import Requirement


def of_modes(
    *,
    sequential: str | None,
    self_test: bool,
    suggest: bool,
    naive: bool,
    state: bool,
    targets: str | None,
    baseline: Baseline | None,
) -> None:
    """Raises UsageError for ways to check that do not go together, or not with these files."""
    ways = [name for name, chosen in (("--sequential", sequential is not None),
            ("--self-test", self_test), ("--suggest", suggest)) if chosen]  # fmt: skip
    if len(ways) > 1:
        raise UsageError(f"{ways[0]} and {ways[1]} exclude each other")
    if ways and state:
        raise UsageError(f"{ways[0]} looks at rows, and a state holds none", "give the predictions")
    if state and targets is not None:
        raise UsageError("a state holds its targets", "leave TARGETS out")
    if sequential == "":
        raise UsageError("--sequential is empty", "name a file")
    if sequential is not None and naive:
        raise UsageError("--sequential and --naive exclude each other",
                         "bare numbers have no intervals")  # fmt: skip
    models = baseline is not None and (baseline.is_model or baseline.missing is not None)
    if sequential is not None and not models:
        raise UsageError("--sequential compares with predictions", "--baseline PREDS names them")


@dataclass(frozen=True, slots=True)
class Rules:
    """The requirements, and how they are judged; see `cli.options` for each. Raises UsageError for
    what cannot be: no requirement, or rules that contradict each other."""

    requirements: tuple[Requirement, ...]
    confidence: float = 0.95
    cluster: str | None = None
    time: str | None = None
    horizon: int | None = None
    strict: bool = False
    naive: bool = False
    allow_undecided: bool = False
    error_on_warning: bool = False
    exit_zero: bool = False
    self_test: bool = False

    def __post_init__(self) -> None:
        if not self.requirements:
            raise UsageError("nothing is required", "--max rmse=3.2, --require 'r2 > 0.8' ...")
        if self.strict and self.allow_undecided:
            raise UsageError("--strict and --allow-undecided exclude each other")
        if self.strict and self.naive:
            raise UsageError("--strict and --naive exclude each other",
                             "bare numbers show nothing")  # fmt: skip

    @property
    def question(self) -> Question:
        """How surely two models differ, as a comparison asks it."""
        return Question(confidence=self.confidence, cluster=self.cluster, time=self.time,
                        horizon=self.horizon)  # fmt: skip

    @property
    def losses(self) -> tuple[str, ...]:
        """The texts of the losses that are asked for, each once."""
        return tuple(dict.fromkeys(r.quantity.loss for r in self.requirements if r.quantity.loss))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that slices look at, each once."""
        return tuple(
            dict.fromkeys(one.column for r in self.requirements for one in r.quantity.where)
        )

    def check(self, baseline: object | None) -> None:
        """Raises UsageError where something needs a baseline, and none is named."""
        if baseline is None and self.against:
            raise UsageError("a requirement compares with a baseline, and none is named",
                             "--baseline FILE")  # fmt: skip

    @property
    def against(self) -> bool:
        """Whether anything needs a baseline."""
        return any(one.quantity.against for one in self.requirements)

    def gate(self, checks: Sequence[Check]) -> Gate:
        """The outcome of all, and the exit status: undecided comes before violated."""
        blocking = [one for one in checks if not one.warning or self.error_on_warning]
        outcomes = {
            one.outcome for one in blocking if not (one.noise and self.allow_undecided)
        }  # fmt: skip
        outcome: Outcome = "met"
        status = ExitStatus.OK
        if "undecided" in outcomes:
            outcome, status = "undecided", ExitStatus.UNDECIDED
        elif "violated" in outcomes:
            outcome, status = "violated", ExitStatus.VIOLATED
        return Gate(
            outcome, int(ExitStatus.OK if self.exit_zero else status), tuple(checks),
            allow_undecided=self.allow_undecided, error_on_warning=self.error_on_warning,
        )  # fmt: skip
