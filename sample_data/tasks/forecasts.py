"""More than one number for each diabetes patient: quantiles, ensembles, distributions, grades."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.model_selection import KFold, cross_val_predict

from tasks.tables import Floats, rounded, write_both, write_csv, write_npy

FOLDS = KFold(10, shuffle=True, random_state=0)
LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
TREES = 20
GRADES = 5
MONTHS = 60


def patients() -> tuple[Floats, Floats, list[str]]:
    """Features (442, 10), progression (442,), and the ids of the diabetes folder."""
    features, target = load_diabetes(return_X_y=True)
    return features, target, [f"d{row:03d}" for row in range(len(target))]


def ridge(alpha: float = 0.1) -> Ridge:
    """The ridge model of the diabetes folder."""
    return Ridge(alpha=alpha)


def quantile(folder: Path) -> None:
    """Five quantiles by boosting, sorted within each row so that none cross."""
    features, target, ids = patients()

    def level(alpha: float) -> Floats:
        model = GradientBoostingRegressor(
            loss="quantile", alpha=alpha, max_depth=2, learning_rate=0.05, random_state=0
        )
        return np.asarray(cross_val_predict(model, features, target, cv=FOLDS))

    found = np.sort(rounded([level(alpha) for alpha in LEVELS]), axis=0)
    lower, q10, q50, q90, upper = found.tolist()
    write_both(folder / "quantiles", {"id": ids, "q_0.1": q10, "q_0.5": q50, "q_0.9": q90})
    write_npy(folder / "quantiles", found[1:4].T)
    write_both(folder / "interval", {"id": ids, "lower": lower, "upper": upper})


def ensemble(folder: Path) -> None:
    """What each tree of a small forest predicts, and two normal distributions."""
    features, target, ids = patients()
    members = np.zeros((len(target), TREES))
    bayes = np.zeros((len(target), 2))
    for train, test in FOLDS.split(features):
        forest = RandomForestRegressor(TREES, min_samples_leaf=5, random_state=0)
        forest.fit(features[train], target[train])
        members[test] = np.array([tree.predict(features[test]) for tree in forest.estimators_]).T
        model = BayesianRidge().fit(features[train], target[train])
        bayes[test] = np.array(model.predict(features[test], return_std=True)).T
    members = rounded(members)
    columns = {f"m_{tree:02d}": members[:, tree].tolist() for tree in range(TREES)}
    write_both(folder / "members", {"id": ids, **columns})
    write_npy(folder / "members", members)
    trees = np.array([members.mean(axis=1), members.std(axis=1, ddof=1)]).T
    for name, normal in (("gaussian", bayes), ("gaussian_trees", trees)):
        mean, scale = rounded(normal).T.tolist()
        write_both(folder / name, {"id": ids, "mean": mean, "scale": scale})


def structural(folder: Path) -> None:
    """The coefficients of one model, and a training series by formula."""
    features, target, _ = patients()
    parameters = rounded(ridge().fit(features, target).coef_)
    write_csv(folder / "parameters", {"parameters": parameters.tolist()})
    write_npy(folder / "parameters", parameters)
    series = [
        round(150 + t / 2 + 40 * math.sin(2 * math.pi * t / 12) + 10 * math.cos(t * t), 1)
        for t in range(MONTHS)
    ]
    write_csv(folder / "train", {"train": series})
    write_npy(folder / "train", np.array(series))


def ordinal(folder: Path) -> None:
    """Progression in five grades of equal count, and the grade of the ridge prediction."""
    features, target, ids = patients()
    edges = np.quantile(target, np.arange(1, GRADES) / GRADES)
    guess = cross_val_predict(ridge(), features, target, cv=FOLDS)
    pred, label = (np.searchsorted(edges, values, side="right") for values in (guess, target))
    write_both(folder / "ordinal", {"id": ids, "pred": pred.tolist(), "label": label.tolist()})
