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
from benchmarks.missed import ALARMED, WHY
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
# The command whose matter a fault is.
MATTER = {"shift": "eval", "targets": "samples", "region": "slices", "bias": "advise",
          "unit": "eval"}  # fmt: skip
UNKNOWN = "–"


@dataclass(frozen=True)
class Judged:
    """A data set, and what each command that was run on it said."""

    data: DataSet
    answers: dict[str, Answer]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        return {name: verdicts.verdict(name, self.data, one) for name, one in self.answers.items()}

    def raised(self, alarm: Alarm) -> list[Answer]:
        """The answers that raise an alarm."""
        return [one for name, one in self.answers.items() if verdicts.alarmed(alarm, name, one)]


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
        return UNKNOWN
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
        excuse = f"{true}: {alarm.because}" if alarm.because else UNKNOWN
        lines.append([alarm.words, f"{len(raised)} of {len(honest)}", excuse,
                      f"{beside} of {len(faulty)}"])  # fmt: skip
    return lines


def _asked(alarm: Alarm, given: list[Judged]) -> list[Judged]:
    return [one for one in given if not alarm.command or alarm.command in one.answers]


def missed(found: Iterable[Judged], seed: int) -> list[list[str]]:
    """A line for each data set whose fault its command did not find."""
    lines = []
    for one in found:
        fault = one.data.fault
        if not fault.name or one.verdicts[MATTER[fault.name]] == "found":
            continue
        others = [f"`{name}`" + ("" if given == "found" else " partly")
                  for name, given in one.verdicts.items() if given != "missed"]  # fmt: skip
        why = WHY.get(one.data.number, UNKNOWN) if seed == SEED else UNKNOWN
        lines.append([str(one.data.number), fault.words, one.data.words,
                      ", ".join(others) or UNKNOWN, why])  # fmt: skip
    return lines


def false(found: Iterable[Judged], seed: int) -> list[list[str]]:
    """A line for each alarm that is false in an honest set."""
    lines = []
    for one in found:
        for alarm in ALARMS:
            said = one.raised(alarm)
            if one.data.fault.name or not said or alarm.true(one.data, said[0]):
                continue
            why = ALARMED.get(one.data.number, UNKNOWN) if seed == SEED else UNKNOWN
            lines.append([str(one.data.number), one.data.words, alarm.words, why])
    return lines


HEADS = ("fault", "planted", *(f"`{name}`" for name in COMMANDS), "any of them")
ALARM_HEADS = ("alarm", "in honest sets", "of these true", "beside another fault")
MISSED_HEADS = ("set", "fault", "data", "found by", "why it was missed")
FALSE_HEADS = ("set", "data", "alarm", "why")


def text(found: list[Judged], sets: int, seed: int) -> str:
    """The page."""
    honest = sum(not one.data.fault.name for one in found)
    columns = sum(bool(one.data.columns) for one in found)
    blocks = [
        "# Faults planted, and found",
        f"Written by `make faults ARGS=--write`: {sets} data sets from seed {seed}, as files. "
        f"{honest} are honest, the others have one fault each. The commands are told the files, "
        "the task and, where there is one, the key; the judge reads their JSON alone, by rules "
        "that were written before the first run (`benchmarks/verdicts.py`). The generator "
        "(`benchmarks/planting.py`) was not fitted to what is found: a fault that is too small "
        "for its data is counted as missed.",
        "100 to 5,000 rows; numbers with a linear or nonlinear signal and Gaussian, t, skewed or "
        "growing noise, bounded numbers, counts, and two classes with calibrated or too sure "
        "probabilities; a quarter are series; in order, with keys, or with keys in two orders. "
        f"{columns} have three columns (`region`, `device`, `age`) on which nothing depends but "
        "a planted region; `slices` is asked of these alone.",
        "Faults: predictions 1 to 8 rows late or early; 0.5 to 3 % of targets wild, or 3 to 5 % "
        "of labels flipped; 2 to 5 times the error in the rows of one value, or of a pair of two "
        "columns; predictions too low for the highest tenth, or shifted or scaled everywhere; "
        "another unit, sign or class.",
        "## Found of planted",
        page.table(HEADS, counts(found)),
        "*Found* is said in words that name the fault: the shift, planted rows among the first "
        "and that they decide, the very region, a correction in the right direction, the unit. "
        "*Partly* is a sign that something is wrong, or a part of it: for rows of a region that "
        "stand at the top of `samples`, for instance. A dash is what a command does not look at; "
        "the units that `samples` and `slices` find are values that are no probabilities, which "
        "every command refuses.",
        "## Alarms",
        page.table(ALARM_HEADS, alarms(found)),
        "An alarm in an honest set is true where nothing was planted, but the predictions are "
        "not what the loss asks for. The last column leaves out the faults of which the alarm "
        "may well be said, and nearly all of it is true: rows of a bad region have predictions "
        "that are too wide or too sure, which corrections mend; wild targets move the mean.",
        "### In honest sets, and not true",
        page.table(FALSE_HEADS, false(found, seed)),
        "## Missed by the command whose matter it is",
        "Shifted rows and units are the matter of `eval`, corrupted targets of `samples`, regions "
        "of `slices --find`, biases of `advise`.",
        page.table(MISSED_HEADS, missed(found, seed)),
    ]
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS, help=f"how many; else {SETS}")
    parser.add_argument("--seed", type=int, default=SEED, help="of the generator")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    told = parser.parse_args()
    if told.write and (told.sets, told.seed) != (SETS, SEED):
        parser.error("--write is for the page's sets and seed")
    page_of = text(list(every(told.sets, told.seed)), told.sets, told.seed)
    if told.write:
        PAGE.write_text(page_of, encoding="utf-8")
    else:
        print(page_of, end="")


if __name__ == "__main__":
    main()
