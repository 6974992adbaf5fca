"""More models of classes: probabilities in whole millionths, so that none is 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tasks.classification import CANCER_FOLDS, NEIGHBOURS, PROPERTIES, TREES
from tasks.digits import FOLDS, Digits, chosen
from tasks.tables import Floats, millionths, numbered, write_csv


def kernel() -> Pipeline:
    """Logistic regression on 200 Gaussian features."""
    features = Nystroem(gamma=0.05, n_components=200, random_state=0)
    return make_pipeline(features, LogisticRegression(C=10.0, tol=1e-8, max_iter=2000))


def svm(splits: int) -> CalibratedClassifierCV:
    """A support vector machine with a Gaussian kernel, whose scores are made probabilities."""
    return CalibratedClassifierCV(SVC(C=10.0, gamma=0.05), cv=splits)


def forest() -> RandomForestClassifier:
    """The forest of the folder above."""
    return RandomForestClassifier(TREES, random_state=0)


def binary_models(folder: Path) -> None:
    """Tumours: a calibrated machine, an overconfident model, and the share of malignant ones."""
    features, benign = load_breast_cancer(return_X_y=True)
    models = {
        "calibrated": CalibratedClassifierCV(
            make_pipeline(StandardScaler(), SVC(C=10.0, gamma=0.01)), cv=5
        ),
        "naive_bayes": GaussianNB(),
        "prior": DummyClassifier(),
    }
    ids = [f"b{row:03d}" for row in range(len(benign))]
    for name, model in models.items():
        p = probabilities(model, features, 1 - benign, list(CANCER_FOLDS.split(features, benign)))
        write_csv(folder / "models" / name, {"id": ids, "p": p[:, 1].tolist()})


def probabilities(model: Any, features: Floats, labels: Any, folds: list[Any]) -> Floats:
    """Of each class (n, K), by fits on the other folds."""
    found = cross_val_predict(model, features, labels, cv=folds, method="predict_proba")
    return millionths(found)


def of_digits(model: Any, data: Digits) -> Floats:
    """Probabilities (n, 10) of the digits."""
    folds = list(FOLDS.split(data.pixels, data.labels))
    return probabilities(model, data.pixels, data.labels, folds)


def multiclass_models(folder: Path) -> None:
    """Digits: a machine that is right most often, linear discriminants, shares of the classes."""
    data, _ = chosen(600)
    models = {
        "svm": svm(3),
        "lda": LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
        "prior": DummyClassifier(),
    }
    for name, model in models.items():
        columns = numbered("p_", of_digits(model, data))
        write_csv(folder / "models" / name, {"id": data.ids, **columns})


def multilabel_models(folder: Path) -> None:
    """Four properties of each digit: one model for each property."""
    data, _ = chosen(600)
    target = np.array([np.isin(data.labels, digits) for digits in PROPERTIES.values()])
    folds = list(FOLDS.split(data.pixels, data.labels))
    models = {
        "kernel": kernel(),
        "forest": forest(),
        "svm": svm(5),
        "knn": KNeighborsClassifier(NEIGHBOURS),
        "prior": DummyClassifier(),
    }
    for name, model in models.items():
        columns = {
            f"p_{one}": probabilities(model, data.pixels, has, folds)[:, 1].tolist()
            for one, has in zip(PROPERTIES, target, strict=True)
        }
        write_csv(folder / "models" / name, {"id": data.ids, **columns})


def distribution_models(folder: Path) -> None:
    """Every third digit: the probabilities of five more classifiers."""
    data, _ = chosen(600)
    models = {
        "kernel": kernel(),
        "naive_bayes": MultinomialNB(),
        "knn": KNeighborsClassifier(NEIGHBOURS),
        "forest": forest(),
        "prior": DummyClassifier(),
    }
    for name, model in models.items():
        columns = numbered("p_", of_digits(model, data)[::3])
        write_csv(folder / "models" / name, {"id": data.ids[::3], **columns})
