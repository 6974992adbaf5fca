"""Strings of digits and what a classifier reads in them, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from tasks.digits import DARKEST, NAMES, Digits, chosen
from tasks.tables import (
    Floats,
    Integers,
    csv_bytes,
    rounded,
    write_jsonl,
    write_npy,
    write_parquet,
)

LETTERS = "abcdefghij"
READINGS = 200
SHORTEST, LONGEST = 3, 8
JUNK, KNOWN_JUNK = 10, 90
JUNK_SHARE = 0.25
DARKNESS = (0.5, 1.0)

STRIPS, SLICES, CLASSES, STRIDE = 40, 20, 11, 4
# A slice past the end of its strip: a blank, beyond doubt.
PAST_THE_END = -100.0


class Predictor(Protocol):
    """A fitted classifier of slices."""

    def predict(self, rows: Floats, /) -> Any:
        """The class of each."""


def reader(components: int, C: float) -> Pipeline:  # noqa: N803  scikit-learn's name
    """A smooth classifier of slices: logistic regression on a few hundred Gaussian features."""
    features = Nystroem(gamma=0.05, n_components=components, random_state=0)
    return make_pipeline(features, LogisticRegression(C=C, max_iter=2000))


def faded(images: Floats, least: float, most: float, generator: np.random.Generator) -> Floats:
    """Each image with its ink reduced to a share between `least` and `most`."""
    return images * generator.uniform(least, most, (len(images), 1, 1))


def junk(data: Digits, count: int, generator: np.random.Generator) -> Floats:
    """Slices that should be skipped (count, 8, 8): digits that shine through the page, mirrored."""
    behind = data.images[generator.integers(0, len(data.labels), count)]
    return faded(behind[:, :, ::-1], 0.1, 0.6, generator)


def noisy(images: Floats, generator: np.random.Generator) -> Floats:
    """The images as rows of ink from 0 to 1, with noise of a tenth."""
    rows = images.reshape(len(images), -1) / DARKEST
    return rows + generator.normal(0.0, 0.1, rows.shape)


@dataclass(frozen=True, slots=True)
class Pages:
    """Slices (n, 64) and their classes to learn from; slices and digits of each string to read."""

    slices: Floats
    classes: Integers
    strings: list[tuple[Floats, list[int]]]

    @property
    def ids(self) -> list[str]:
        """`r007` is string 7."""
        return [f"r{number:03d}" for number in range(len(self.strings))]

    @property
    def written(self) -> list[list[int]]:
        """The digits of each string."""
        return [digits for _, digits in self.strings]

    def read(self, model: Predictor) -> list[list[int]]:
        """The digits that a fitted model sees in each string; junk is skipped."""
        found = [model.predict(slices) for slices, _ in self.strings]
        return [classes[classes != JUNK].tolist() for classes in found]


def pages(known: Digits, unseen: Digits) -> Pages:
    """200 strings of digits, some pale, with slices of junk between that a reader should skip."""
    generator = np.random.default_rng(1)
    digits = faded(known.images, *DARKNESS, generator)
    slices = np.concatenate([digits, junk(known, KNOWN_JUNK, generator)])
    classes = np.concatenate([known.labels, np.full(KNOWN_JUNK, JUNK)])
    learned = noisy(slices, generator)
    strings = []
    for _ in range(READINGS):
        length = generator.integers(SHORTEST, LONGEST + 1)
        places = generator.integers(0, len(unseen.labels), length)
        shown: list[Floats] = []
        for image in faded(unseen.images[places], *DARKNESS, generator):
            shown.append(image)
            if generator.random() < JUNK_SHARE:
                shown.extend(junk(unseen, 1, generator))
        strings.append((noisy(np.array(shown), generator), unseen.labels[places].tolist()))
    return Pages(learned, classes, strings)


def readings(folder: Path, known: Digits, unseen: Digits) -> None:
    """What one reader sees in the strings, as texts and as lists of words."""
    page = pages(known, unseen)
    read = page.read(reader(300, 10.0).fit(page.slices, page.classes))
    rows = list(zip(page.ids, read, page.written, strict=True))
    texts = [
        {"id": key, "pred": spelt(read, LETTERS), "target": spelt(true, LETTERS)}
        for key, read, true in rows
    ]
    columns = {name: [str(row[name]) for row in texts] for name in ("id", "pred", "target")}
    (folder / "readings.csv").write_bytes(csv_bytes(columns, quoted=True))
    write_jsonl(folder / "readings", texts)
    words = [
        {"id": key, "pred": [NAMES[one] for one in read], "target": [NAMES[one] for one in true]}
        for key, read, true in rows
    ]
    write_jsonl(folder / "tokens", words)


def spelt(values: list[int], letters: str) -> str:
    """Each digit as its letter."""
    return "".join(letters[value] for value in values)


def strip(
    data: Digits, generator: np.random.Generator, count: int
) -> tuple[Floats, Integers, list[int]]:
    """`count` digits side by side, 0 to 2 empty columns between: image, starts, digits."""
    places = generator.integers(0, len(data.labels), count)
    gaps = generator.integers(0, 3, count)
    gaps[0] = 0
    starts = np.cumsum(gaps) + 8 * np.arange(count)
    image = np.zeros((8, int(starts[-1]) + 8))
    for start, place in zip(starts, places, strict=True):
        image[:, start : start + 8] = data.images[place]
    return image, starts, data.labels[places].tolist()


def windows(image: Floats, stride: int) -> Floats:
    """Slices (T, 8, 8) that start at every `stride`-th column and cover the image to its end."""
    count = -(-(image.shape[1] - 8) // stride) + 1
    padded = np.pad(image, ((0, 0), (0, (count - 1) * stride + 8 - image.shape[1])))
    return np.array([padded[:, at * stride : at * stride + 8] for at in range(count)])


def examples(data: Digits, generator: np.random.Generator) -> tuple[Floats, Integers]:
    """Every slice of 150 strips, and its class: 1 + digit within 2 columns of its start, else 0."""
    slices, classes = [], []
    for _ in range(150):
        image, starts, labels = strip(data, generator, 6)
        cut = windows(image, 1)
        found = np.zeros(len(cut), dtype=np.int64)
        for start, label in zip(starts, labels, strict=True):
            found[max(start - 2, 0) : start + 2] = label + 1
        slices.append(cut)
        classes.append(found)
    return np.concatenate(slices), np.concatenate(classes)


def alignments(folder: Path, known: Digits, unseen: Digits) -> None:
    """40 strips cut into at most 20 slices: log-probabilities of each, and the true digits."""
    generator = np.random.default_rng(2)
    slices, classes = examples(known, generator)
    model = reader(300, 1.0).fit(noisy(slices, generator), classes)
    logits = np.full((STRIPS, SLICES, CLASSES), PAST_THE_END)
    logits[:, :, 0] = 0.0
    truth, nested = [], []
    for number in range(STRIPS):
        image, _, labels = strip(unseen, generator, int(generator.integers(SHORTEST, LONGEST + 1)))
        cut = windows(image, STRIDE)
        found = model.predict_log_proba(noisy(cut, generator))
        logits[number, : len(cut)] = rounded(found)
        key, target = f"s{number:02d}", [label + 1 for label in labels]
        truth.append({"id": key, "target": target, "input_length": len(cut)})
        nested.append({"id": key, "logits": logits[number].tolist(), "target": target})
    write_npy(folder / "ctc_logits", logits)
    write_jsonl(folder / "ctc_target", truth)
    write_jsonl(folder / "ctc", nested)
    write_parquet(folder / "ctc", {name: [row[name] for row in nested] for name in nested[0]})


def sequences(folder: Path) -> None:
    """Strings read digit by digit, and strips read by sliding slices."""
    known, unseen = chosen(900)
    readings(folder, known, unseen)
    alignments(folder, known, unseen)
