"""What a command's JSON says of a planted fault, and what it alarms of, by rules that were written
before the first run. Nothing but the report and the sentence of a refusal is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from benchmarks.planting import Array, DataSet

Verdict: TypeAlias = Literal["found", "partly", "missed"]
COMMANDS = ("eval", "samples", "slices", "advise")
DECIDES = 0.2  # of the loss: what outliers make where they decide it
LOOKED, LISTED = 10, 20  # rows at the top of `eval`, and of `samples`
NEAR = 0.1  # how nearly the factor of a unit must be met
HEAVY = ("t noise", "skewed noise", "growing noise")  # tails heavier than Gaussian ones
LOPSIDED = ("skewed noise", "bounded noise", "counts noise")  # whose median is not their mean


@dataclass(frozen=True)
class Answer:
    """What one command said: a report, or the one line with which it refused."""

    report: dict[str, Any]
    refused: str = ""

    @property
    def parts(self) -> dict[str, Any]:
        return dict(self.report.get("parts", {}))

    @property
    def wrong_inputs(self) -> list[str]:
        notes = self.report.get("notes", ())
        return [note["text"] for note in notes if note["code"] == "wrong-input"]


def verdict(command: str, data: DataSet, answer: Answer) -> Verdict:
    """Of a data set with a fault."""
    if answer.refused:
        told = data.fault.name == "unit" and any(one in answer.refused for one in data.fault.said)
        return "found" if told else "missed"
    rule = RULES.get((command, data.fault.name))
    return "missed" if rule is None else rule(data, answer)


def _best(found: bool, partly: bool) -> Verdict:
    return "found" if found else "partly" if partly else "missed"


# --- eval -------------------------------------------------------------------------------------


def _eval_shift(data: DataSet, answer: Answer) -> Verdict:
    """Found by a note that names the shift; partly by another note on the inputs, or where
    predictions are said to be worse than a constant."""
    by = data.fault.shift
    words = f"target i {'-' if by > 0 else '+'} {abs(by)} "
    found = any("look shifted" in one and words in one for one in answer.wrong_inputs)
    return _best(found, bool(answer.wrong_inputs) or unskilled(answer))


def _eval_targets(data: DataSet, answer: Answer) -> Verdict:
    """Found where at least half of the worst ten rows (or as many as were planted) are planted
    ones and outliers are said to decide the loss; partly by one of the two."""
    rows = [row["row"] for row in (answer.report["worst"] or {"rows": []})["rows"]]
    top = half(rows, data, LOOKED)
    return _best(top and deciding(answer), top or deciding(answer))


def _eval_bias(data: DataSet, answer: Answer) -> Verdict:
    """Found where the split of the MSE says what removes a part of it, in the right direction."""
    if not removable(answer):
        return "missed"
    found = answer.parts["mse"]
    line = found["line"] or {"slope": 1.0, "intercept": -found["bias"]}
    mended = line["slope"] * data.pred + line["intercept"]
    return _best(mends(data, data.pred, mended), False)


def _eval_unit(data: DataSet, answer: Answer) -> Verdict:
    """Found by a note (or a refusal) that names the unit, the sign or the classes; partly by
    another note, or where predictions are said to be worse than a constant."""
    found = any(said in one for one in answer.wrong_inputs for said in data.fault.said)
    return _best(found, bool(answer.wrong_inputs) or unskilled(answer))


def unskilled(answer: Answer) -> bool:
    """Whether a skill below 0 is shown."""
    skills = [one["skill"]["value"] for one in answer.report["losses"] if one["skill"]]
    skills += [answer.parts["base rate"]["skill"]] if "base rate" in answer.parts else []
    return any(one is not None and one < 0.0 for one in skills)


def deciding(answer: Answer) -> bool:
    """Whether outliers, or one row, are said to make much of the leading loss."""
    worst = answer.report["worst"]
    if worst is None:
        return False
    first = worst["rows"][0]["shares"][worst["by"]] if worst["rows"] else None
    shares = answer.parts.get("outliers", {}).get("shares", {})
    return max(first or 0.0, shares.get(worst["by"]) or 0.0) >= DECIDES


def removable(answer: Answer) -> bool:
    """Whether the split of the MSE says that a shift or a line removes a part."""
    text = answer.parts.get("mse", {}).get("text", "")
    return "removable by" in text or "removes" in text


# --- samples ----------------------------------------------------------------------------------


def _samples_targets(data: DataSet, answer: Answer) -> Verdict:
    """Found where at least half of the worst twenty rows (or as many as were planted) are planted
    ones; partly from a quarter."""
    rows = listed(answer)
    return _best(half(rows, data, LISTED), half(rows, data, LISTED, 0.25))


def _samples_region(data: DataSet, answer: Answer) -> Verdict:
    """Partly where at least half of the worst twenty rows are of the region, and it has twice its
    share of them: the rows are told, not what they have in common."""
    rows = listed(answer)
    inside = sum(row in data.fault.rows for row in rows) / max(len(rows), 1)
    return _best(False, inside >= max(0.5, 2.0 * len(data.fault.rows) / data.rows))


def listed(answer: Answer) -> list[int]:
    table = answer.report["table"]
    place = [column["name"] for column in table["columns"]].index("row")
    return [row[place] for row in table["rows"]]


def half(rows: list[int], data: DataSet, most: int, share: float = 0.5) -> bool:
    """Whether so many of the first rows are planted ones."""
    first = rows[: min(most, len(data.fault.rows))]
    return sum(row in data.fault.rows for row in first) >= share * max(len(first), 1)


# --- slices -----------------------------------------------------------------------------------


def _slices_region(data: DataSet, answer: Answer) -> Verdict:
    """Found where a confirmed slice has the region's conditions and no other; partly where it
    has one of them, or more besides."""
    found = [[_meets(data, one) for one in conditions] for conditions in confirmed(answer)]
    wanted = len(data.fault.region)
    exact = any(all(one) and len(one) == wanted for one in found)
    return _best(exact, any(any(one) for one in found))


def confirmed(answer: Answer) -> list[list[str]]:
    """The conditions of each slice that held on the rows that did not choose it."""
    slices = answer.parts["slices"]["slices"] if "slices" in answer.parts else []
    return [one["conditions"] for one in slices if one["confirmed"]]


def _meets(data: DataSet, condition: str) -> bool:
    """Whether a condition is one of the region's; of numbers, whether its middle lies within."""
    for column, value in data.fault.region.items():
        if isinstance(value, str) and condition == f"{column}={value}":
            return True
        if not isinstance(value, str) and condition.startswith(f"{column} "):
            ends = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", condition)]
            if sum(ends) / len(ends) >= value:
                return True
    return False


# --- advise -----------------------------------------------------------------------------------


def _advise_shift(_: DataSet, answer: Answer) -> Verdict:
    """Partly where it says not to use the model."""
    return _best(False, "constant" in answer.parts)


def _advise_targets(data: DataSet, answer: Answer) -> Verdict:
    """Found where at least half of the rows that it names are planted ones and it says that they
    make the squared error, or that labels look wrong; partly by the rows, or the advice, alone."""
    if data.task == "binary":
        labels = answer.parts.get("labels")
        if labels is None:
            return "missed"
        rows = [_row(data, one["row"]) for one in labels["issues"]]
        return _best(mislabelled(answer) and half(rows, data, LOOKED), half(rows, data, LOOKED))
    tails = answer.parts.get("tails")
    if tails is None:
        return "missed"
    name = r"r\d{5}" if data.ids else r"#\d+"
    rows = [_row(data, one) for one in re.findall(name, tails["text"])]
    return _best(bool(rows) and half(rows, data, LOOKED), True)


def _row(data: DataSet, name: str) -> int:
    return data.ids.index(name) if data.ids else int(name.removeprefix("#"))


def _advise_bias(data: DataSet, answer: Answer) -> Verdict:
    """Found by a correction in the right direction."""
    for before, after in _corrections(data, answer):
        if mends(data, before, after):
            return "found"
    return "missed"


def _advise_unit(data: DataSet, answer: Answer) -> Verdict:
    """Found by a correction whose factor is that of the unit, to a tenth; partly by another
    correction, or where it says not to use the model."""
    found = answer.parts.get("correction", {})
    slopes = [found[loss]["slope"] for loss in ("mse", "mae") if loss in found]
    near = any(abs(one / data.fault.undo - 1.0) <= NEAR for one in slopes)
    return _best(near, correcting(answer) or "constant" in answer.parts)


def _corrections(data: DataSet, answer: Answer) -> list[tuple[Array, Array]]:
    """Predictions (or logits) before and after each correction that is advised."""
    found = answer.parts.get("correction", {})
    pairs = []
    for loss in ("mse", "mae"):
        if loss in found:
            mended = found[loss]["slope"] * data.pred + found[loss]["offset"]
            pairs.append((data.pred, mended))
    if data.task == "binary":
        logit = np.log(data.pred) - np.log1p(-data.pred)
        if "temperature" in found:
            pairs.append((logit, logit / found["temperature"]["by"]))
        if "shift" in found:
            pairs.append((logit, logit + found["shift"]["by"]))
    return pairs


def mends(data: DataSet, before: Array, after: Array) -> bool:
    """Whether a correction goes the way that undoes the bias, in the rows that have it."""
    rows = sorted(data.fault.rows)
    change = (after - before)[rows] * (np.sign(before[rows]) if data.fault.away else 1.0)
    return bool(change.mean() > 0.0) == data.fault.raises and bool(change.mean() != 0.0)


def correcting(answer: Answer) -> bool:
    """Whether a correction is advised."""
    return answer.parts.get("correction", {}).get("advice", "none") != "none"


def mislabelled(answer: Answer) -> bool:
    """Whether labels are said to look wrong, not only to be doubtful."""
    return answer.parts.get("labels", {}).get("p") is not None


RULES: dict[tuple[str, str], Callable[[DataSet, Answer], Verdict]] = {
    ("eval", "shift"): _eval_shift,
    ("eval", "targets"): _eval_targets,
    ("eval", "bias"): _eval_bias,
    ("eval", "unit"): _eval_unit,
    ("samples", "targets"): _samples_targets,
    ("samples", "region"): _samples_region,
    ("slices", "region"): _slices_region,
    ("advise", "shift"): _advise_shift,
    ("advise", "targets"): _advise_targets,
    ("advise", "bias"): _advise_bias,
    ("advise", "unit"): _advise_unit,
}


# --- alarms -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alarm:
    """What is false where nothing is planted. `excused` are the faults of which it may well be
    said; `true` tells where the honest predictions themselves make it true."""

    words: str
    command: str
    raised: Callable[[Answer], bool]
    excused: tuple[str, ...]
    true: Callable[[DataSet, Answer], bool] = lambda data, answer: False
    because: str = ""


def _aims_elsewhere(data: DataSet, answer: Answer) -> bool:
    """Whether probabilities are too sure, or a median is asked of the mean of skewed errors."""
    if "too sure" in data.traits:
        return True
    skewed = any(one in data.traits for one in LOPSIDED)
    return skewed and "mse" not in answer.parts.get("correction", {})


ALARMS = (
    Alarm("`eval`: a note on wrong inputs", "eval", lambda a: bool(a.wrong_inputs),
          ("shift", "unit")),
    Alarm("`eval`: outliers, or one row, decide the loss", "eval", deciding,
          ("targets", "region", "shift", "unit"),
          lambda data, _: any(one in data.traits for one in HEAVY),
          "errors have heavier tails than Gaussian ones"),
    Alarm("`eval`: a line or a shift removes a part of the MSE", "eval", removable,
          ("bias", "unit", "shift", "targets")),
    Alarm("`eval`: a skill below 0", "eval", unskilled, ("shift", "unit", "targets", "bias")),
    Alarm("`slices --find`: a confirmed slice", "slices", lambda a: bool(confirmed(a)),
          ("region",)),
    Alarm("`advise`: a correction", "advise", correcting, ("bias", "unit", "shift"),
          _aims_elsewhere, "probabilities are too sure, or the median of skewed errors is asked "
          "of their mean"),
    Alarm("`advise`: do not use this model", "advise", lambda a: "constant" in a.parts,
          ("shift", "unit", "bias", "targets")),
    Alarm("`advise`: labels look wrong", "advise", mislabelled, ("targets", "shift", "unit")),
    Alarm("any command: a refusal", "", lambda a: bool(a.refused), ("unit",)),
)  # fmt: skip


def alarmed(alarm: Alarm, command: str, answer: Answer) -> bool:
    """Whether a command's answer raises it."""
    if alarm.command and (command != alarm.command or answer.refused):
        return False
    return alarm.raised(answer)
