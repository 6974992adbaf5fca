"""The two files in each other's place: by their names, and by what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.trial import FALL, FEWEST, Trial, judge, wrong
from lossctl.batch import Batch
from lossctl.numerics import floating
from lossctl.report import Note, named

_PREDICTED = re.compile(
    r"(^|[^a-z])(y_?)?(preds?|predictions?|predicted|hat|prob\w*|scores?|logits?"
    r"|outputs?|forecasts?|hyp\w*)([^a-z]|$)|\Ap\Z"
)
_TRUE = re.compile(
    r"(^|[^a-z])(targets?|labels?|truth|true|actuals?|gt|ground_?truth|references?"
    r"|observed|y_?true)([^a-z]|$)|\Ay\Z"
)
DISTINCT = 0.5  # of values: what a model gives, not shares of a few votes


def detect(context: Context, batch: Batch) -> Note | None:
    """`the files look swapped: …`."""
    if "pred" not in batch.columns or "target" not in batch.columns:
        return None
    pred, target = context.inputs.get("pred"), context.inputs.get("target")
    if pred is None or target is None:
        return None
    names = (_says(pred), _says(target))
    if names == ("true", "predicted"):
        return wrong(
            f"the files look swapped by their names: {named(pred)} is read as the predictions and "
            f"{named(target)} as the targets; predictions come first"
        )
    if names == ("predicted", "true"):
        return None
    return _by_values(context, batch, pred, target)


def _says(given: dict[str, Any]) -> str | None:
    """What the names of a file and its columns say that it holds, where they agree."""
    path = "" if given["path"] == "-" else PurePath(given["path"]).name
    texts = [text.lower() for text in (path, *given["columns"]) if text]
    found = {"predicted": _any(_PREDICTED, texts), "true": _any(_TRUE, texts)}
    told = [word for word, said in found.items() if said]
    return told[0] if len(told) == 1 else None


def _any(pattern: re.Pattern[str], texts: Iterable[str]) -> bool:
    return any(pattern.search(text) for text in texts)


def _by_values(context: Context, batch: Batch, pred: Any, target: Any) -> Note | None:
    """Labels in the place of predictions, and a model's probabilities in that of the targets."""
    spec = judge(context, batch)
    left, right = batch.columns["pred"], batch.columns["target"]
    plain = isinstance(left, np.ndarray) and isinstance(right, np.ndarray)
    if spec is None or batch.count < FEWEST or not plain or left.shape != right.shape:
        return None
    roles = {role.name: role.domain for role in spec.roles}
    if roles["pred"].high != 1.0 or roles["target"].high != 1.0:
        return None  # the other way round one side would be no probability
    left, right = floating(left), floating(right)
    if not np.isin(left, (0.0, 1.0)).all() or left.min() == left.max():
        return None
    inside = right[(right > 0.0) & (right < 1.0)]
    if np.unique(inside).size < DISTINCT * right.size:
        return None
    exchanged = batch.with_column("pred", right).with_column("target", left)
    trial = Trial(spec, batch, exchanged)
    if trial.fall < FALL:
        return None
    return wrong(
        f"the files look swapped: {named(pred)} holds only 0 and 1, {named(target)} "
        f"{np.unique(inside).size} values between them; the other way round they make {trial.said}"
    )


DETECTOR = Detector("swapped", detect)
