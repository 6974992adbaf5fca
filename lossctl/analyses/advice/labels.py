"""Labels that may be wrong, by confident learning (Northcutt, Jiang and Chuang, JAIR 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Integers

_SLACK = 1e-6  # cleanlab's: a probability this little below its threshold reaches it


@dataclass(frozen=True, slots=True, eq=False)
class LabelIssues:
    """`joint` counts given labels (rows) against the classes that the model is confident of;
    `issues` are the rows off its diagonal, least confident of their label first."""

    self_confidence: Array
    thresholds: Array  # of each class: the mean probability of it among the rows that have it
    joint: Integers
    issues: Integers
    confident: Integers  # the class that each row seems to have; -1 for none


def label_issues(label: Integers, prob: Array) -> LabelIssues:
    """`label` (n,) from 0 to K - 1, `prob` (n, K).

    A row is confidently of the likeliest class among those whose probability reaches their
    threshold. It is an issue where that is neither its label nor is its label the likeliest of
    all classes (cleanlab's default). A class without rows has an infinite threshold.
    """
    count, classes = prob.shape
    own: Array = prob[np.arange(count), label]
    sizes = np.bincount(label, minlength=classes)
    sums = np.bincount(label, weights=own, minlength=classes)
    thresholds = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    reached = prob >= thresholds - _SLACK
    confident = np.where(reached, prob, -1.0).argmax(axis=1)
    confident[~reached.any(axis=1)] = -1
    sure = confident >= 0
    joint = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(joint, (label[sure], confident[sure]), 1)
    found = np.flatnonzero(sure & (confident != label) & (prob.argmax(axis=1) != label))
    ordered = found[np.lexsort((found, own[found]))]
    return LabelIssues(own, thresholds, joint, ordered, confident)
