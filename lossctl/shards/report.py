"""The report of a state: its losses and the worst rows, as `eval` of the same rows says them."""

from __future__ import annotations

from dataclasses import replace

from lossctl.analyses import evaluation
from lossctl.analyses.evaluation import Evaluation
from lossctl.analyses.worst import WorstOf
from lossctl.report import Note, Report
from lossctl.shards.file import State

UNSEEN = (
    "a state holds sums and the worst rows: it says nothing of outliers, tails and groups, nor "
    "whether a few rows decide an interval"
)


def report_of(state: State, path: str, command: str = "merge") -> Report:
    """The losses of all rows with their intervals, and what is said of them from sums alone."""
    context = replace(state.context, top=10)
    keys = {str(spec): (str(spec), "") for spec in context.specs}
    values = {name: state.value(key) for name, key in keys.items()}
    tops = {name: state.worst(key) for name, key in keys.items()}
    found = Evaluation(values, {}, {}, WorstOf(tops), None, None, str(state.data))
    parts = evaluation.parts(context, found, state.like, state.scored, state.dropped)
    return Report(
        lossctl=state.version,
        command=command,
        task=state.made["task"],
        signature=state.signature,
        inputs={"pred": {"path": path, "format": "state", "columns": []}},
        rows={"read": dict(state.read), "scored": state.scored, "dropped": dict(state.dropped)},
        losses=parts.losses,
        worst=parts.worst,
        parts=parts.parts,
        notes=(*parts.notes, Note("state", UNSEEN)),
        finding=parts.finding,
        targets=str(state.targets),
        state=state.to_json(),
    )
