"""Faults planted in half of many data sets, and what each command finds, misses and falsely alarms
of: `make faults ARGS="--sets 40"`, or `--write`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page, planting, verdicts
from benchmarks.missed import WHY
from benchmarks.planting import FAULTS, SEED, SETS, DataSet
from benchmarks.verdicts import ALARMS, COMMANDS, Alarm, Answer, Verdict
from lossctl import cli

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "faults.md"
OPTIONS = {"slices": ["--find"]}
CALLED = {
    "shift": "shifted rows",
    "targets": "corrupted targets",
    "region": "one bad region",
    "bias": "a biased tail, shift or scale",
    "unit": "a unit error",
}


@dataclass(frozen=True)
class Judged:
    """A data set, and what each command that was run on it said."""

    data: DataSet
    answers: dict[str, Answer]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        return {
            name: verdicts.verdict(name, self.data, one) for name, one in self.answers.items()
        }

    def raised(self, alarm: Alarm) -> list[Answer]:
        """The answers that raise an alarm."""
        return [
            one for name, one in self.answers.items() if verdicts.alarmed(alarm, name, one)
        ]


def answer(command: str, arguments: list[str], folder: Path) -> Answer:
    """What a command says, run in this process as from a shell."""
    path, complaint = folder / "answer.json", io.StringIO()
    output = ["-f", "json", "-o", str(path)]
    with contextlib.redirect_stderr(complaint):
        status = cli.run([command, *arguments, *OPTIONS.get(command, []), *output])
    if status == 0:
        return Answer(json.loads(path.read_text(encoding="utf-8")))
    if status != 3:
        raise RuntimeError(f"{command} {' '.join(arguments)}: {complaint.getvalue().strip()}")
    return Answer({}, complaint.getvalue().strip())


def judged(data: DataSet, folder: Path) -> Judged:
    """Every command that has something to look at: slices need columns."""
    arguments = data.write(folder)
    asked = [one for one in COMMANDS if one != "slices" or data.columns]
    return Judged(data, {one: answer(one, arguments, folder) for one in asked})


def every(sets: int, seed: int) -> Iterator[Judged]:
    with tempfile.TemporaryDirectory() as folder:
        for data in planting.data_sets(sets, seed):
            yield judged(data, Path(folder))


# --- the page ---------------------------------------------------------------------------------


def counts(found: Iterable[Judged]) -> list[list[str]]:
    """A line for each fault: what each command found, and what any of them did."""
    known = list(found)
    lines = []
    for fault in FAULTS:
        having = [one for one in known if one.data.fault.name == fault]
        cells = [_cell([one.verdicts[name] for one in having if name in one.answers])
                 for name in COMMANDS]  # fmt: skip
        best = [_best(one) for one in having]
        lines.append([CALLED[fault], str(len(having)), *cells, _cell(best)])
    return lines


def _best(one: Judged) -> Verdict:
    given = set(one.verdicts.values())
    return "found" if "found" in given else "partly" if "partly" in given else "missed"


def _cell(given: list[Verdict]) -> str:
    """`16 of 20`, and how many partly."""
    many = Counter(given)
    if not (many["found"] or many["partly"]):
        return "–"
    return f"{many['found']} of {len(given)}" + (
        f" (+{many['partly']} partly)" if many["partly"] else ""
    )


def alarms(found: Iterable[Judged]) -> list[list[str]]:
    """A line for each alarm: in honest sets, where it is true of them, and beside other faults."""
    known = list(found)
    lines = []
    for alarm in ALARMS:
        honest = _asked(alarm, [one for one in known if not one.data.fault.name])
        faulty = [one for one in known if one.data.fault.name not in ("", *alarm.excused)]
        faulty = _asked(alarm, faulty)
        raised = [one for one in honest if one.raised(alarm)]
        true = sum(alarm.true(one.data, one.raised(alarm)[0]) for one in raised)
        beside = sum(bool(one.raised(alarm)) for one in faulty)
        excuse = f"{true}: {alarm.because}" if alarm.because else "–"
        lines.append([alarm.words, f"{len(raised)} of {len(honest)}", excuse,
                      f"{beside} of {len(faulty)}"])  # fmt: skip
    return lines


def _asked(alarm: Alarm, given: list[Judged]) -> list[Judged]:
    return [one for one in given if not alarm.command or alarm.command in one.answers]


def missed(found: Iterable[Judged], seed: int) -> list[list[str]]:
    """A line for each data set whose fault no command found."""
    lines = []
    for one in found:
        if one.data.fault.name and _best(one) != "found":
            partly = [name for name, given in one.verdicts.items() if given == "partly"]
            why = WHY.get(one.data.number, "–") if seed == SEED else "–"
            lines.append([str(one.data.number), CALLED[one.data.fault.name], one.data.fault.words,
                          one.data.words, ", ".join(f"`{name}`" for name in partly) or "–",
                          why])  # fmt: skip
    return lines


def false(found: Iterable[Judged]) -> list[list[str]]:
    """A line for each alarm that is false in an honest set, or beside another fault."""
    lines = []
    for one in found:
        for alarm in ALARMS:
            said = one.raised(alarm)
            excused = one.data.fault.name in alarm.excused
            if said and not excused and not alarm.true(one.data, said[0]):
                lines.append([str(one.data.number), one.data.fault.words, one.data.words,
                              alarm.words, _evidence(alarm, said[0])])  # fmt: skip
    return lines


def _evidence(alarm: Alarm, said: Answer) -> str:
    if said.refused:
        return said.refused
    part = {"removable": "mse", "correcting": "correction", "mislabelled": "labels",
            "deciding": "outliers"}.get(alarm.raised.__name__)  # fmt: skip
    known = said.parts.get(part or "constant")
    text = known["text"] if known else "; ".join(said.wrong_inputs) or said.report["finding"]
    return text.partition(" (fitted on")[0]
