"""The handwritten digits that most folders are made of, and the rows that each takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split

from tasks.tables import Floats, Integers

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DARKEST = 16.0
INK = 8.0
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


@dataclass(frozen=True, slots=True)
class Digits:
    """Images (n, 8, 8) of ink from 0 to 16, the digit of each (n,), and its place in the source."""

    images: Floats
    labels: Integers
    places: Integers

    @property
    def ids(self) -> list[str]:
        """`g0003` is image 3 of `load_digits`, in every folder."""
        return [f"g{place:04d}" for place in self.places]

    @property
    def pixels(self) -> Floats:
        """The images as rows (n, 64) of ink from 0 to 1."""
        return self.images.reshape(-1, 64) / DARKEST

    def at(self, rows: Integers) -> Digits:
        """The digits in `rows`."""
        return Digits(self.images[rows], self.labels[rows], self.places[rows])


def digits() -> Digits:
    """All 1797 images."""
    source = load_digits()
    labels = source.target.astype(np.int64)
    return Digits(source.images, labels, np.arange(len(labels), dtype=np.int64))


def chosen(rows: int) -> tuple[Digits, Digits]:
    """`rows` images with the classes in their usual shares, and all others; both in their order."""
    every = digits()
    taken, left = train_test_split(
        every.places, train_size=rows, stratify=every.labels, random_state=0
    )
    return every.at(np.sort(taken)), every.at(np.sort(left))
