"""More quantiles, intervals, ensembles and normal distributions of the diabetes patients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors

from tasks.forecasts import FOLDS, LEVELS, TREES, patients, ridge
from tasks.tables import Floats, rounded, write_csv

# Features and progression of known patients, features of others, and chance: (n, values each).
Forecast = Callable[[Floats, Floats, Floats, np.random.Generator], Floats]
Unseeded = Callable[[Floats, Floats, Floats], Floats]
FEW = 5


def forecast(model: Forecast) -> Floats:
    """What a model says of each patient, from the other folds."""
    features, target, _ = patients()
    parts = []
    for number, (train, test) in enumerate(FOLDS.split(features)):
        generator = np.random.default_rng(number)
        parts.append((test, model(features[train], target[train], features[test], generator)))
    values = np.zeros((len(target), parts[0][1].shape[1]))
    for test, part in parts:
        values[test] = part
    return rounded(values)


def neighbours(known: Floats, target: Floats, rows: Floats, count: int) -> Floats:
    """The progression (n, count) of the nearest known patients."""
    near = NearestNeighbors(n_neighbors=count).fit(known).kneighbors(rows)[1]
    return np.asarray(target[near])


def errors(known: Floats, target: Floats) -> Floats:
    """What a ridge regression errs by on known patients, from fits on others of them."""
    return np.asarray(target - cross_val_predict(ridge(), known, target, cv=5))


# --- five quantiles ------------------------------------------------------------------------------


def linear(known: Floats, target: Floats, rows: Floats) -> Floats:
    """One linear quantile regression for each level."""
    fits = [QuantileRegressor(quantile=level, alpha=0.0).fit(known, target) for level in LEVELS]
    return np.array([model.predict(rows) for model in fits]).T


def shifted(known: Floats, target: Floats, rows: Floats) -> Floats:
    """A ridge regression, and the quantiles of its errors: as wide for every patient."""
    middle = ridge().fit(known, target).predict(rows)
    return np.asarray(middle[:, None] + np.quantile(errors(known, target), LEVELS))


def near(known: Floats, target: Floats, rows: Floats) -> Floats:
    """The quantiles of the 60 nearest patients."""
    return np.quantile(neighbours(known, target, rows, 60), LEVELS, axis=1).T


def trees(known: Floats, target: Floats, rows: Floats) -> Floats:
    """The quantiles of what 200 trees predict, which are means: much too narrow."""
    forest = RandomForestRegressor(200, min_samples_leaf=10, random_state=0).fit(known, target)
    found = [tree.predict(rows) for tree in forest.estimators_]
    return np.quantile(found, LEVELS, axis=0).T


def constant(_: Floats, target: Floats, rows: Floats) -> Floats:
    """The quantiles of all known patients."""
    return np.tile(np.quantile(target, LEVELS), (len(rows), 1))


QUANTILES: dict[str, Unseeded] = {
    "linear": linear,
    "ridge": shifted,
    "knn": near,
    "trees": trees,
    "constant": constant,
}


def quantile_models(folder: Path) -> None:
    """Five more models: three quantiles in `models/`, the interval in `models/interval/`."""
    _, _, ids = patients()
    interval = folder / "models" / "interval"
    interval.mkdir(exist_ok=True)
    for name, model in QUANTILES.items():
        found = np.sort(forecast(lambda *given, say=model: say(*given[:3])), axis=1)
        lower, q10, q50, q90, upper = found.T.tolist()
        columns = {"q_0.1": q10, "q_0.5": q50, "q_0.9": q90}
        write_csv(folder / "models" / name, {"id": ids, **columns})
        write_csv(interval / name, {"id": ids, "lower": lower, "upper": upper})


# --- ensembles -----------------------------------------------------------------------------------


def bagging(known: Floats, target: Floats, rows: Floats, generator: np.random.Generator) -> Floats:
    """20 ridge regressions, each on patients drawn again: good means, much too narrow."""
    found = []
    for _ in range(TREES):
        drawn = generator.integers(0, len(target), len(target))
        found.append(ridge().fit(known[drawn], target[drawn]).predict(rows))
    return np.array(found).T


def dressed(known: Floats, target: Floats, rows: Floats, generator: np.random.Generator) -> Floats:
    """A ridge regression, and 20 of its errors drawn for each patient."""
    middle = ridge().fit(known, target).predict(rows)
    return np.asarray(middle[:, None] + generator.choice(errors(known, target), (len(rows), TREES)))


def climate(_: Floats, target: Floats, rows: Floats, __: np.random.Generator) -> Floats:
    """20 evenly spaced quantiles of all known patients."""
    levels = (np.arange(TREES) + 0.5) / TREES
    return np.tile(np.quantile(target, levels), (len(rows), 1))


ENSEMBLES: dict[str, Forecast] = {
    "bagging": bagging,
    "dressed": dressed,
    "knn": lambda known, target, rows, _: neighbours(known, target, rows, TREES),
    "few": lambda known, target, rows, _: neighbours(known, target, rows, FEW),
    "constant": climate,
}


def ensemble_models(folder: Path) -> None:
    """Five more ensembles in `models/`; four as normal distributions in `models/gaussian/`."""
    _, _, ids = patients()
    gaussian = folder / "models" / "gaussian"
    gaussian.mkdir(exist_ok=True)
    for name, model in ENSEMBLES.items():
        members = forecast(model)
        columns = {f"m_{place:02d}": column for place, column in enumerate(members.T.tolist())}
        write_csv(folder / "models" / name, {"id": ids, **columns})
        if name != "few":
            normal = rounded([members.mean(axis=1), members.std(axis=1, ddof=1)])
            mean, scale = normal.tolist()
            write_csv(gaussian / name, {"id": ids, "mean": mean, "scale": scale})
