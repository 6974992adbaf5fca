"""Where a digit's ink is: a mask of its pixels, and the box around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict

from tasks.digits import DARKEST, INK, Digits, chosen
from tasks.tables import (
    Floats,
    Integers,
    rounded,
    write_both,
    write_csv,
    write_npy,
    write_parquet,
)

FOLDS = KFold(10, shuffle=True, random_state=0)
CANVAS = 32
EDGES = ("x1", "y1", "x2", "y2")
# Predicted edges are sixteenths of a pixel, so that corners and sizes convert without rounding.
STEPS = 16


def surroundings(images: Floats) -> Floats:
    """What a model sees of each 2 x 2 block: the means of it and its 8 neighbours.

    Returns (n, 4, 4, 9), zero outside the image.
    """
    means = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)) / DARKEST
    padded = np.pad(means, ((0, 0), (1, 1), (1, 1)))
    near = [padded[:, y : y + 4, x : x + 4] for y in range(3) for x in range(3)]
    return np.stack(near, axis=3)


def by_pixel(data: Digits, model: Any, read: Callable[[Any, Floats], Floats]) -> Floats:
    """What `read` gets for ink (n, 8, 8) from images of half the resolution.

    One `model` for each of the four pixels of a block, fitted on the other folds.
    """
    seen = surroundings(data.images)
    ink = data.images >= INK
    values = np.zeros(ink.shape)
    for train, test in FOLDS.split(seen):
        for y in range(2):
            for x in range(2):
                part = (slice(None), slice(y, None, 2), slice(x, None, 2))
                fitted = clone(model).fit(seen[train].reshape(-1, 9), ink[part][train].ravel())
                found = read(fitted, seen[test].reshape(-1, 9))
                values[test, y::2, x::2] = found.reshape(-1, 4, 4)
    return values


def mask_logits(data: Digits) -> Floats:
    """Logits of ink (n, 8, 8) by logistic regressions."""
    model = LogisticRegression(C=10.0, tol=1e-8, max_iter=1000)
    return rounded(by_pixel(data, model, lambda fitted, rows: fitted.decision_function(rows)))


def masks(folder: Path) -> None:
    """120 digits: which pixels are inked, and the probability that they are."""
    data, _ = chosen(120)
    target = (data.images >= INK).astype(np.uint8)
    logits = mask_logits(data)
    model = expit(logits)
    write_npy(folder / "target", target)
    write_npy(folder / "model", model)
    write_npy(folder / "model_logits", logits)
    for name, array in (("target", target), ("model", model), ("model_logits", logits)):
        lists = array.reshape(-1, 64).tolist()
        write_parquet(folder / name, {"id": data.ids, "mask": lists})


def scene(image: Floats, generator: np.random.Generator) -> tuple[Floats, list[int]]:
    """A digit, 1 to 3 times as large, somewhere on a noisy canvas; and the box of its ink."""
    large = np.kron(image, np.ones((generator.integers(1, 4),) * 2))
    y, x = generator.integers(0, CANVAS - len(large) + 1, size=2)
    canvas = np.zeros((CANVAS, CANVAS))
    canvas[y : y + len(large), x : x + len(large)] = large
    rows, columns = np.nonzero(canvas >= INK)
    noisy = canvas + generator.normal(0.0, 2.0, canvas.shape)
    ends = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return noisy, [int(end) for end in ends]


def scenes(data: Digits) -> tuple[Floats, Integers]:
    """What a model sees of each canvas (n, 64), and the box around its ink (n, 4)."""
    generator = np.random.default_rng(0)
    canvases, ends = zip(*(scene(image, generator) for image in data.images), strict=True)
    seen = np.array([[*canvas.mean(axis=0), *canvas.mean(axis=1)] for canvas in canvases])
    return seen, np.array(ends, dtype=np.int64)


def boxes(folder: Path) -> None:
    """200 canvases: the box around the ink, and the box that a regression sees there.

    A forest predicts the mean of boxes that it was shown, so its boxes have x1 < x2 and y1 < y2.
    """
    data, _ = chosen(200)
    seen, target = scenes(data)
    forest = ExtraTreesRegressor(300, random_state=0)
    model = np.rint(cross_val_predict(forest, seen, target, cv=FOLDS) * STEPS) / STEPS
    for name, array in (("target", target), ("model", model)):
        columns = dict(zip(EDGES, array.T.tolist(), strict=True))
        write_both(folder / name, {"id": data.ids, **columns})
        write_npy(folder / name, array)
    x1, y1, x2, y2 = model.T
    sizes = {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1}
    as_text = {name: values.tolist() for name, values in sizes.items()}
    write_csv(folder / "model_xywh", {"id": data.ids, **as_text})
    lists = {"id": data.ids, "pred": model.tolist(), "target": target.tolist()}
    write_parquet(folder / "boxes", lists)
