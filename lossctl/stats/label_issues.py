"""Labels that may be wrong, from the probabilities of a classifier."""

from __future__ import annotations

from typing import Any

from lossctl.analyses.advice import labels
from lossctl.errors import DataError
from lossctl.stats.inputs import labelled


def label_issues(label: Any, prob: Any) -> dict[str, Any]:
    """Which of the labels `label` (n,), from 0 to K - 1, the probabilities `prob` (n, K) speak
    against, by confident learning (Northcutt et al. 2021): rows that are confidently of another
    class, least confident of their label first.

    `thresholds` are the mean probability of each class among its rows (None for a class without),
    `confident_joint` counts given labels against confident classes, uncalibrated. Only for
    predictions of rows that the model was not fitted to.

    Raises DataError for shapes that do not fit, labels that are no class, or probabilities outside
    [0, 1].
    """
    classes, table = labelled(label, prob, "prob")
    if float(table.min()) < 0.0 or float(table.max()) > 1.0:
        raise DataError("prob has a value outside [0, 1]", "softmax(logits) makes probabilities")
    found = labels.label_issues(classes, table)
    return {
        "self_confidence": found.self_confidence.tolist(),
        "thresholds": [one if one < float("inf") else None for one in found.thresholds.tolist()],
        "confident_joint": found.joint.tolist(),
        "issues": found.issues.tolist(),
    }
