"""The report of a state: its losses and the worst rows, as `eval` of the same rows says them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lossctl.analyses import evaluation
from lossctl.analyses.evaluation import Evaluation
from lossctl.analyses.worst import WorstOf
from lossctl.errors import DataError, UsageError
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


def merge_states(states: Sequence[tuple[str, State]]) -> Report:
    """The states of parts of the rows as one: its report, which holds the state of all.

    Raises UsageError for no states; DataError, naming the file, for states that were made unlike,
    or that share rows.
    """
    if not states:
        raise UsageError("no states are given", "lossctl merge PART.state ...")
    (name, whole), *others = states
    for path, other in others:
        try:
            whole = whole.merge(other)
        except DataError as problem:
            raise DataError(
                f"{path} does not go with {name}: {problem.what}", problem.fix
            ) from None
    return report_of(whole, name if not others else f"{len(states)} states")
