"""Repeated looks at growing data: what earlier ones saw, and intervals that hold at all of them."""

from __future__ import annotations

import json
import os.path
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from lossctl import strict_json
from lossctl.analyses.digest import Digest
from lossctl.analyses.inference.anytime import anytime_critical, mixture
from lossctl.analyses.within import Within
from lossctl.batch import Batch
from lossctl.errors import DataError, inert
from lossctl.gates.increase import Critical
from lossctl.needs import TARGETS
from lossctl.report import Json
from lossctl.rounds import Rounds

SCHEMA = 1
LARGEST = 1 << 24  # bytes of the file
AHEAD = 4  # times the rows of the first look: where intervals are tightest


@dataclass(frozen=True, slots=True)
class FirstRows:
    """A view: the rows with smaller numbers than `count`."""

    count: int

    def __call__(self, batch: Batch) -> Batch:
        keep = batch.rows < self.count
        return batch if keep.all() else batch.take(keep)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: so many rows, the digests of all columns and of the targets, and which candidate it
    was, counted from 1."""

    rows: int
    data: str
    targets: str
    candidate: int
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks so far, and the number of rows at which intervals are tightest."""

    path: str
    best_at: int = 0
    looks: tuple[Look, ...] = ()

    @property
    def last(self) -> Look | None:
        """The latest one."""
        return self.looks[-1] if self.looks else None

    def to_json(self) -> str:
        """The file's text."""
        data = {"lossctl_looks": SCHEMA, "best_at": self.best_at,
                "looks": [{"rows": one.rows, "data": one.data, "targets": one.targets,
                           "candidate": one.candidate, "outcome": one.outcome}
                          for one in self.looks]}  # fmt: skip
        return json.dumps(data, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """This look among the others: which candidate it is, and how many looks it makes of it. `why`
    says what keeps it from being one of them; `again`: it was seen already."""

    look: Look
    best_at: int
    number: int = 1
    why: str | None = None
    again: bool = False

    def critical(self, confidence: float, margins: int) -> Critical:
        """The standard errors of the interval: over all looks at all candidates and margins the
        chance of a false alarm is at most 1 - confidence. The k-th candidate on the same rows gets
        the part 1 / (k (k + 1)) of it."""
        k = self.look.candidate
        alpha = 2.0 * (1.0 - confidence) / (k * (k + 1)) / max(margins, 1)
        rho2 = mixture(self.best_at, min(alpha, 0.5))
        return lambda degrees, units: anytime_critical(units, min(alpha, 0.5), rho2)


def read(path: str) -> Looks:
    """The looks in a file; none where there is no file yet. Raises DataError for a damaged one."""
    if not os.path.lexists(path):
        return Looks(path)
    try:
        if not Path(path).is_file() or Path(path).stat().st_size > LARGEST:
            raise DataError(f"{path} is no file of looks", "name the file of --sequential")
        data = strict_json.loads(Path(path).read_text(encoding="utf-8"))
        if _whole(data["lossctl_looks"]) != SCHEMA:
            raise DataError(f"{path} has schema {data['lossctl_looks']}", f"{SCHEMA} can be read")
        looks = tuple(_look(one) for one in data["looks"])
        if any(later.rows < one.rows for one, later in pairwise(looks)):
            raise ValueError("its looks do not grow")
        return Looks(path, _whole(data["best_at"]), looks)
    except DataError:
        raise
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise DataError(f"{path} holds no looks: {inert(str(problem))[:80]}",
                        "name the file of --sequential") from None  # fmt: skip


def _look(data: Json) -> Look:
    texts = [data[name] for name in ("data", "targets", "outcome")]
    if not all(isinstance(one, str) for one in texts):
        raise ValueError("a digest is no text")
    return Look(_whole(data["rows"]), texts[0], texts[1], _whole(data["candidate"]), texts[2])


def _whole(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value} is no whole number above 0")
    return value


def rounds(looks: Looks, rows: Any) -> Rounds[Seen]:
    """Where this look stands among the others; `rows` tells the number of rows, once all were
    read."""
    whole = Digest(), Digest(TARGETS, True)
    last = looks.last
    first = () if last is None else tuple(Within(FirstRows(last.rows), one) for one in whole)
    states = yield (*whole, *first)
    count = rows()
    now = Look(count, str(states[whole[0]]), str(states[whole[1]]), 1)
    if last is None:
        return Seen(now, AHEAD * max(count, 1))
    known = [str(states[one]) for one in first]
    return _placed(looks, now, known[0], known[1])


def _placed(looks: Looks, now: Look, data: str, targets: str) -> Seen:
    last = looks.last
    assert last is not None
    if now.rows < last.rows:
        why = f"these are {now.rows} rows, fewer than the {last.rows} of the last look"
        return Seen(now, looks.best_at, why=why)
    if targets != last.targets:
        why = f"the first {last.rows} rows have other targets than at the last look"
        return Seen(now, looks.best_at, why=why)
    candidate = last.candidate
    if data != last.data:  # other predictions of the same rows
        candidate = 1 + max(one.candidate for one in looks.looks)
    now = replace(now, candidate=candidate)
    same = (one for one in looks.looks if (one.data, one.rows) == (now.data, now.rows))
    again = next(same, None)
    if again is not None:
        now = replace(now, candidate=again.candidate)
    own = sum(one.candidate == now.candidate for one in looks.looks)
    return Seen(now, looks.best_at, own + (again is None), again=again is not None)


def added(looks: Looks, seen: Seen, outcome: str) -> Looks:
    """With this look, unless it was seen already or is none of them."""
    if seen.again or seen.why is not None:
        return looks
    look = replace(seen.look, outcome=outcome)
    return Looks(looks.path, looks.best_at or seen.best_at, (*looks.looks, look))


def said(seen: Seen) -> str:
    """What is said of this look."""
    text = f"look {seen.number} at growing rows: the interval holds at every look"
    if seen.look.candidate > 1:
        text += (f"; candidate {seen.look.candidate} on the same rows gets a smaller part of the "
                 "false alarms")  # fmt: skip
    return text
