"""More models of masks and boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tasks.digits import INK, Digits, chosen
from tasks.pictures import CANVAS, EDGES, FOLDS, STEPS, by_pixel, scenes
from tasks.tables import Floats, rounded, write_csv, write_npy

MASKS = {
    "boosting": HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "forest": RandomForestClassifier(50, min_samples_leaf=5, random_state=0),
    "naive_bayes": GaussianNB(),
}
BOXES = {
    "boosting": MultiOutputRegressor(GradientBoostingRegressor(subsample=0.5, random_state=0)),
    "histogram": MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=50, random_state=0)),
    "knn": KNeighborsRegressor(5),
    "linear": make_pipeline(StandardScaler(), Ridge(100.0)),
    "mean": DummyRegressor(),
}


def mask_models(folder: Path) -> None:
    """Probabilities of ink, as float32, by five more models; `nearest` says 0 or 1, as uint8."""
    data, _ = chosen(120)

    def inked(model: object) -> Floats:
        return by_pixel(data, model, lambda fitted, rows: fitted.predict_proba(rows)[:, 1])

    for name, model in MASKS.items():
        write_npy(folder / "models" / name, rounded(inked(model)).astype(np.float32))
    nearest = inked(KNeighborsClassifier(1))
    write_npy(folder / "models" / "nearest", nearest.astype(np.uint8))
    write_npy(folder / "models" / "prior", rounded(usual(data)).astype(np.float32))


def usual(data: Digits) -> Floats:
    """How often each pixel is ink in the other folds: the same for all images of a fold."""
    ink = data.images >= INK
    shares = np.zeros(ink.shape)
    for train, test in FOLDS.split(ink):
        shares[test] = ink[train].mean(axis=0)
    return shares


def valid(found: Floats) -> Floats:
    """Boxes on the canvas, in sixteenths of a pixel, with x1 < x2 and y1 < y2: at least 1 apart."""
    ends = np.rint(np.clip(found, 0, CANVAS) * STEPS) / STEPS
    low = np.minimum(np.minimum(ends[:, :2], ends[:, 2:]), CANVAS - 1)
    high = np.maximum(np.maximum(ends[:, :2], ends[:, 2:]), low + 1)
    return np.hstack([low, high])


def box_models(folder: Path) -> None:
    """The boxes of five more models."""
    data, _ = chosen(200)
    seen, target = scenes(data)
    for name, model in BOXES.items():
        found = valid(cross_val_predict(model, seen, target.astype(np.float64), cv=FOLDS))
        columns = dict(zip(EDGES, found.T.tolist(), strict=True))
        write_csv(folder / "models" / name, {"id": data.ids, **columns})
