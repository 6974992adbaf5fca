"""Logits read as numbers, and probabilities read as logits."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import Pair, outcomes, points
from lossctl.analyses.detectors.trial import (
    FALL,
    FEWEST,
    SURE,
    Trial,
    judge,
    judges,
    wrong,
)
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.numerics import floating
from lossctl.probabilities import binary_probabilities
from lossctl.report import Note
from lossctl.spec import Spec, make

LESS = 0.05  # of the loss: as logits, probabilities are all near ½ and cost little
CLEAR = 4.0  # standard errors, of values that have the range of probabilities
SPREAD = (0.2, 0.8)  # probabilities of a model that knows something lie on both sides of these
ROUNDED = 1e-3  # how far from 1 the sums of rows of probabilities may be


def detect(context: Context, batch: Batch) -> Note | None:
    """Either mistake; of probabilities where a loss takes them as logits."""
    if batch.count < FEWEST:
        return None
    return _logits_as_numbers(context, batch) or _probabilities(context, batch)


def _logits_as_numbers(context: Context, batch: Batch) -> Note | None:
    """Numbers on both sides of [0, 1] against 0 and 1, scored by their difference."""
    spec = judge(context, batch)
    found = outcomes(batch)
    if spec is None or not found or context.point is None:
        return None
    if not all(_far_out(pair) for pair in found) or not points(context, batch):
        return None
    if not set(np.unique(floating(batch.columns["target"])).tolist()) <= {0.0, 1.0}:
        return None
    scores = floating(batch.columns["pred"])
    trial = Trial(spec, batch, batch.with_column("pred", _probability(scores)))
    if trial.fall < FALL or trial.sure < SURE:
        return None
    low, high = scores.min(), scores.max()
    return wrong(
        f"predictions look like logits: they run from {low:.3g} to {high:.3g} where targets are 0 "
        f"and 1; their probabilities make {trial.said}; --task binary --from-logits scores them"
    )


def _far_out(pair: Pair) -> bool:
    """Whether most lie outside [0, 1], worse than a constant, and their probabilities better."""
    variance = float(pair.target.var())
    now = float(np.square(pair.pred - pair.target).mean())
    then = float(np.square(_probability(pair.pred) - pair.target).mean())
    outside = float(((pair.pred < 0.0) | (pair.pred > 1.0)).mean())
    return outside > 0.5 and now > variance and then < 0.75 * variance


def _probabilities(context: Context, batch: Batch) -> Note | None:
    """Values that are probabilities where a loss takes logits."""
    for spec in (context.leading, *context.specs):
        if spec.told("from_logits") is True and _like_probabilities(batch):
            told = dict(spec.all_settings)
            if "from_logits" not in told:
                continue  # a loss inside another
            read = make(spec.loss, {**told, "from_logits": False}, spec.named_reduction)
            return _as_probabilities(context, batch, spec, read)
    return None


def _as_probabilities(context: Context, batch: Batch, spec: Spec, read: Spec) -> Note | None:
    if not judges(context, batch, spec):
        return None
    trial = Trial(spec, batch, batch, read)
    if trial.fall < LESS or trial.sure < CLEAR:
        return None
    rows = "lie between 0 and 1" if batch.columns["pred"].ndim == 1 else "are rows that sum to 1"
    return wrong(
        f"predictions look like probabilities, not logits: they {rows}; so read they make "
        f"{trial.said}; leave out --from-logits, or say from_logits=false"
    )


def _like_probabilities(batch: Batch) -> bool:
    pred = batch.columns.get("pred")
    if not isinstance(pred, np.ndarray) or pred.ndim > 2 or not np.isfinite(pred).all():
        return False
    if pred.min() < 0.0 or pred.max() > 1.0:
        return False
    if pred.ndim == 2 and "label" in batch.columns:
        return bool((np.abs(floating(pred).sum(axis=1) - 1.0) <= ROUNDED).all())
    return bool(pred.min() < SPREAD[0] and pred.max() > SPREAD[1])


def _probability(scores: Array) -> Array:
    """Of class 1, by its logit."""
    return binary_probabilities(scores, from_logits=True)[0]


DETECTOR = Detector("logits", detect)
