"""Classes and their probabilities: binary, multiclass, multilabel, and soft targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from tasks.digits import FOLDS, NAMES, Digits, chosen
from tasks.tables import Floats, numbered, rounded, write_both, write_csv, write_npy, write_parquet

CANCER_FOLDS = StratifiedKFold(10, shuffle=True, random_state=0)
TREES = 100
NEIGHBOURS = 10
SOFT_NEIGHBOURS = 25
PROPERTIES = {
    "even": [0, 2, 4, 6, 8],
    "prime": [2, 3, 5, 7],
    "loop": [0, 6, 8, 9],
    "big": [5, 6, 7, 8, 9],
}


def softmax(logits: Floats) -> Floats:
    """Probabilities (n, K) of logits (n, K)."""
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = grown / grown.sum(axis=1, keepdims=True)
    return shares


def votes(probabilities: Floats, voters: int) -> Floats:
    """Shares of `voters` that are whole numbers of them, without the error of adding them up."""
    counted = np.rint(probabilities * voters)
    if np.abs(counted / voters - probabilities).max() > 1e-9:
        raise ValueError("a share is not a whole number of voters")
    return counted / voters


def binary(folder: Path) -> None:
    """Breast cancer: 569 tumours, p = probability of a malignant one."""
    features, benign = load_breast_cancer(return_X_y=True)
    target = 1 - benign.astype(np.int64)
    ids = [f"b{row:03d}" for row in range(len(target))]
    label = ["malignant" if positive else "benign" for positive in target]
    write_both(folder / "target", {"id": ids, "label": label, "target": target.tolist()})
    write_npy(folder / "target", target.astype(np.int8))

    def predicted(model: object, method: str) -> Floats:
        found = cross_val_predict(model, features, target, cv=CANCER_FOLDS, method=method)
        return np.asarray(found)

    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.2, tol=1e-8, max_iter=1000))
    boosting = GradientBoostingClassifier(max_depth=2, random_state=0)
    forest = RandomForestClassifier(TREES, random_state=0)
    svm = make_pipeline(StandardScaler(), LinearSVC(C=0.1, dual=False, random_state=0))
    logits = rounded(predicted(logistic, "decision_function"))
    models = {
        "logistic": expit(logits),
        "boosting": expit(rounded(predicted(boosting, "decision_function"))),
        "forest": votes(predicted(forest, "predict_proba")[:, 1], TREES),
    }
    for name, p in models.items():
        write_both(folder / name, {"id": ids, "p": p.tolist()})
    write_npy(folder / "logistic", models["logistic"])
    write_both(folder / "logistic_logits", {"id": ids, "logit": logits.tolist()})
    score = rounded(predicted(svm, "decision_function"))
    write_csv(folder / "svm", {"id": ids, "score": score.tolist()})


def digit_logits(data: Digits) -> Floats:
    """Logits (n, 10) of each digit by a logistic regression on the other folds."""
    model = LogisticRegression(tol=1e-8, max_iter=2000)
    return rounded(
        cross_val_predict(model, data.pixels, data.labels, cv=FOLDS, method="decision_function")
    )


def multiclass(folder: Path) -> None:
    """600 digits and the probabilities of the ten classes."""
    data, _ = chosen(600)
    names = [NAMES[digit] for digit in data.labels]
    write_both(folder / "target", {"id": data.ids, "label": data.labels.tolist(), "name": names})
    write_npy(folder / "target", data.labels)

    def shares(model: object, voters: int) -> Floats:
        found = cross_val_predict(model, data.pixels, data.labels, cv=FOLDS, method="predict_proba")
        return votes(found, voters)

    logits = digit_logits(data)
    p = softmax(logits)
    models = {
        "logistic": p,
        "forest": shares(RandomForestClassifier(TREES, random_state=0), TREES),
        "knn": shares(KNeighborsClassifier(NEIGHBOURS), NEIGHBOURS),
    }
    for name, probabilities in models.items():
        write_both(folder / name, {"id": data.ids, **numbered("p_", probabilities)})
    write_npy(folder / "logistic", p)
    write_npy(folder / "logistic_logits", logits)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(p.ravel()), 10)
    write_parquet(folder / "logistic_list", {"id": data.ids, "p": lists})
    digit = p.argmax(axis=1).tolist()
    guess = [NAMES[one] for one in digit]
    write_csv(folder / "predicted", {"id": data.ids, "label": guess, "digit": digit})


def multilabel(folder: Path) -> None:
    """The same 600 digits: four properties of each, and the probability of each property."""
    data, _ = chosen(600)
    target = np.array([np.isin(data.labels, digits) for digits in PROPERTIES.values()]).T
    folds = list(FOLDS.split(data.pixels, data.labels))
    model = LogisticRegression(tol=1e-8, max_iter=2000)
    logits = [
        cross_val_predict(model, data.pixels, has, cv=folds, method="decision_function")
        for has in target.T
    ]
    p = expit(rounded(logits)).T
    truth = dict(zip(PROPERTIES, target.T.astype(np.int64).tolist(), strict=True))
    guess = {f"p_{name}": column for name, column in zip(PROPERTIES, p.T.tolist(), strict=True)}
    write_both(folder / "target", {"id": data.ids, **truth})
    write_both(folder / "logistic", {"id": data.ids, **guess})
    write_npy(folder / "target", target.astype(np.int8))
    write_npy(folder / "logistic", p)


def distribution(folder: Path) -> None:
    """Every third of the 600 digits: classes of the 25 nearest others, and the probabilities."""
    data, _ = chosen(600)
    near = KNeighborsClassifier(SOFT_NEIGHBOURS)
    found = cross_val_predict(near, data.pixels, data.labels, cv=FOLDS, method="predict_proba")
    q = votes(found, SOFT_NEIGHBOURS)[::3]
    p = softmax(digit_logits(data))[::3]
    ids = data.ids[::3]
    write_csv(folder / "target", {"id": ids, **numbered("q_", q)})
    write_csv(folder / "model", {"id": ids, **numbered("p_", p)})
    write_npy(folder / "target", q)
    write_npy(folder / "model", p)
