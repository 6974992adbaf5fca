"""The losses that each task begins with: those that an expert would look at first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossctl.candidates import DEEP, NUMERIC, Candidates
from lossctl.errors import UsageError

REGRESSION = (
    "mae", "rmse", "mse", "huber", "log_cosh", "median_ae", "max_error", "bias", "r2",
)  # fmt: skip
CLASSES, NORMAL, NORMALS = "one class a row", "mean, scale", "means and scales of both sides"
FRAMES, WORDS = "frames of scores", "lists of words or numbers"
TRIPLETS, PAIRS, VECTORS = "anchor, positive, negative", "left, right", "vectors against vectors"
LABELS, ANGULAR = "vectors against labels", "the same with class_vectors"
LEVELS = "columns q_0.1 q_0.5 q_0.9"
# By task and the form of its data ("" where there is one, or for all others).
_SETS = {
    ("regression", ""): REGRESSION,
    ("binary", ""): ("binary_cross_entropy", "brier", "binary_focal", "accuracy"),
    ("multiclass", ""): ("sparse_categorical_cross_entropy", "brier", "spherical_score",
                         "accuracy"),
    ("multiclass", CLASSES): ("zero_one", "accuracy"),
    ("multilabel", ""): ("binary_cross_entropy", "binary_focal", "hamming", "accuracy"),
    ("distribution", ""): ("kl_divergence", "js_divergence", "categorical_cross_entropy"),
    ("distribution", NORMAL): ("crps_gaussian", "gaussian_nll:variance=false"),
    ("distribution", NORMALS): ("crps_gaussian", "gaussian_nll:variance=false", "kl_gaussian"),
    ("masks", ""): ("dice", "jaccard", "focal_tversky", "dice:aggregate=global"),
    ("boxes", ""): ("giou_loss", "iou_loss", "diou_loss", "ciou_loss"),
    ("sequence", ""): ("edit_distance", "edit_distance:normalize=max", "character_error_rate"),
    ("sequence", FRAMES): ("ctc",),
    ("sequence", WORDS): ("edit_distance", "edit_distance:normalize=max", "word_error_rate"),
    ("embedding", TRIPLETS): ("triplet_margin",),
    ("embedding", PAIRS): ("contrastive",),
    ("embedding", VECTORS): ("cosine_distance",),
    ("embedding", LABELS): ("info_nce", "center_loss"),
    ("embedding", ANGULAR): ("large_margin_softmax", "arcface", "cosface", "info_nce",
                             "center_loss"),
    ("quantile", LEVELS): ("pinball:quantile=[0.1;0.5;0.9]",),
    ("interval", ""): ("interval_score",),
    ("ensemble", ""): ("crps_ensemble", "crps_ensemble:estimator=fair"),
}  # fmt: skip
QUANTILE = re.compile(r"(?:q|quantile|p)?[_.]?(0?\.\d+|\d{1,2})", re.IGNORECASE)


def default_sets() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every task, the form of its data ("" where there is one, or for all others), its losses."""
    for (task, form), chosen in _SETS.items():
        yield task, form, chosen


def losses_of(task: str, found: Candidates) -> tuple[str, ...]:
    """The losses that a task begins with, by the form of its columns.

    Raises UsageError for quantiles whose levels nobody says.
    """
    return _of_quantiles(found) if task == "quantile" else _SETS[task, _form_of(task, found)]


def levels_of(found: Candidates) -> tuple[float, ...]:
    """The quantiles that the names of the prediction's columns say."""
    matches = [QUANTILE.fullmatch(one.name) for one in found.pred if one.kind in NUMERIC]
    levels = [float(match[1]) for match in matches if match]
    return tuple(level if level < 1.0 else level / 100.0 for level in levels)


def _form_of(task: str, found: Candidates) -> str:
    """The form of a task's data, where its losses depend on that."""
    left = found.one_pred()
    if task == "embedding":
        return _form_of_embeddings(found)
    if task == "distribution" and found.has("mean", "scale"):
        return NORMALS if found.has("target_mean", "target_scale") else NORMAL
    if task == "multiclass" and left is not None and left.width is None:
        return CLASSES
    if task == "sequence" and left is not None and (left.kind == "vectors" or left.axes):
        return FRAMES
    return WORDS if task == "sequence" and left is not None and left.kind in DEEP else ""


def _form_of_embeddings(found: Candidates) -> str:
    if found.has("anchor", "positive", "negative"):
        return TRIPLETS
    if found.has("left", "right"):
        return PAIRS
    right = found.one_target()
    if right is not None and right.width is not None:
        return VECTORS
    return ANGULAR if found.has("class_vectors") else LABELS


def _of_quantiles(found: Candidates) -> tuple[str, ...]:
    levels = levels_of(found)
    if not levels:
        raise UsageError(
            f"{found.where}: the levels of the quantiles are not in the names of the columns",
            "-l 'pinball:quantile=[0.1;0.5;0.9]' gives them, or call the columns q_0.1 q_0.5 ...",
        )
    return ("pinball",)  # at these levels: a setting that the task gives
