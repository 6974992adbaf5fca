"""What a candidate is compared with: other predictions, or the state or report of an earlier run.
Files are told apart by what they hold."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

from lossctl import strict_json
from lossctl.errors import DataError, inert
from lossctl.plan import NOT_NAMES, Contender
from lossctl.readers.source import Source
from lossctl.report import SCHEMA, LossResult, Report
from lossctl.shards.file import MARK, SchemaError, State, read

LARGEST = 1 << 28  # bytes of a state or report
_HEAD = 64  # bytes that tell what a file is


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """One of predictions (in a file, or open already), a state, and a report; `missing` says why
    there is none."""

    name: str
    pred: str | Source
    columns: str | None = None
    state: State | None = None
    report: Report | None = None
    missing: str | None = None

    @property
    def is_model(self) -> bool:
        """Whether it is predictions, to be read beside the candidate's."""
        return self.missing is None and self.state is None and self.report is None

    @property
    def targets(self) -> str | None:
        """The digest of the targets of a state or report; None where it does not say."""
        if self.state is not None:
            return str(self.state.targets)
        return None if self.report is None else self.report.targets

    @property
    def scored(self) -> int:
        """How many rows a state or report is of."""
        if self.state is not None:
            return self.state.scored
        return 0 if self.report is None else int(self.report.rows["scored"])

    def contenders(self, pred: str | Source, pred_col: str | None) -> tuple[Contender, Contender]:
        """The baseline and the candidate as models, by the names of their files where these are
        unlike."""
        names = [self.name, Path(pred).stem if isinstance(pred, str) else "candidate"]
        if names[0] == names[1] or set(names) & {*NOT_NAMES, "-", ""}:
            names = ["baseline", "candidate"]
        first = Contender(names[0], self.pred, self.columns or pred_col)
        return first, Contender(names[1], pred, pred_col)


def exists(path: str) -> bool:
    """Whether there is such a file; of a name that cannot be one (too long, a NUL) there is not."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def baseline_of(text: str) -> Baseline:
    """The baseline in a file: predictions in `FILE[:COLUMNS]`, a state, or a report. Raises
    DataError for a file that is damaged."""
    path, columns = text, None
    if not exists(text):
        head, colon, rest = text.rpartition(":")
        if colon and head and exists(head):
            path, columns = head, rest
    name = Path(path).stem
    if not exists(path):
        return Baseline(name, path, missing=f"the baseline {path} does not exist")
    kind = kind_of(path)
    if kind == "state":
        try:
            return Baseline(name, path, state=read(text_of(path), path))
        except SchemaError as problem:
            return Baseline(name, path, missing=f"the baseline {problem.what}")
    if kind == "report":
        return _of_report(name, path)
    return Baseline(name, path, columns)


def kind_of(path: str) -> str:
    """What a file holds: `state`, `report`, or `predictions`, which is also said of what cannot be
    read. Raises DataError where there is none."""
    if not exists(path):
        raise DataError(f"{path}: no such file")
    head = b""
    if Path(path).is_file():  # of a pipe nothing may be taken away
        with contextlib.suppress(OSError), Path(path).open("rb") as file:
            head = file.read(_HEAD)
    start = head.lstrip()
    if start.startswith(b'{"' + MARK.encode() + b'"'):
        return "state"
    inner = start.removeprefix(b"{").lstrip() if start.startswith(b"{") else b""
    return "report" if inner.startswith(b'"schema"') else "predictions"


def text_of(path: str) -> str:
    """The text of a state or report. Raises DataError."""
    try:
        if Path(path).stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST} bytes")
        return Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8") from None


def _of_report(name: str, path: str) -> Baseline:
    """A baseline that is a report. One of another schema is no baseline, and says so."""
    try:
        data = strict_json.loads(text_of(path))
        schema = data.get("schema")
        if type(schema) is not int or schema != SCHEMA:
            why = f"has schema {schema}, and this lossctl reads {SCHEMA}"
            return Baseline(name, path, missing=f"the baseline {path} {why}")
        report = Report.from_dict(data)
        for one in report.losses:
            _check(one)
        return Baseline(name, path, report=report)
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        what = f"{path} is a damaged report: {inert(str(problem))[:100]}"
        raise DataError(what, "make it again") from None


def _check(one: LossResult) -> None:
    """Raises ValueError for a loss of which something cannot be: a gate would believe it."""
    if type(one.n) is not int or one.n < 0:
        raise ValueError(f"{one.spec} is of {one.n} rows")
    if one.value is None or one.interval is None:
        if one.value is not None:
            _number(one.value)
        return
    value, ends = _number(one.value), one.interval
    low, high, confidence = (_number(ends[key]) for key in ("low", "high", "confidence"))
    if not low <= value <= high or not 0.0 < confidence < 1.0 or one.n < 1:
        raise ValueError(f"{one.spec} has an interval that cannot be")
    if type(ends.get("trusted", True)) is not bool:
        raise ValueError(f"{one.spec}: trusted is neither true nor false")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    return float(value)
