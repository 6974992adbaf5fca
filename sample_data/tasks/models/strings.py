"""More readers of the strings, and a file of what is written."""

from __future__ import annotations

from pathlib import Path

from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from tasks.digits import chosen
from tasks.strings import JUNK, LETTERS, Pages, pages, reader, spelt
from tasks.tables import csv_bytes

READERS = {
    "svm": SVC(C=10.0, gamma=0.05),
    "knn": KNeighborsClassifier(5),
    "linear": LogisticRegression(tol=1e-8, max_iter=2000),
    "constant": DummyClassifier(),
}


def reading_models(folder: Path) -> None:
    """The targets of the readings alone, and what five more readers see."""
    page = pages(*chosen(900))
    write(folder / "readings_target.csv", page, "target", page.written)
    for name, model in READERS.items():
        read = page.read(model.fit(page.slices, page.classes))
        write(folder / "models" / f"{name}.csv", page, "pred", read)
    # It has never seen a slice that should be skipped, and so reads every one of them.
    digit = page.classes != JUNK
    greedy = reader(300, 10.0).fit(page.slices[digit], page.classes[digit])
    write(folder / "models" / "greedy.csv", page, "pred", page.read(greedy))


def write(path: Path, page: Pages, role: str, digits: list[list[int]]) -> None:
    """One text for each string, with quotes around every field."""
    texts = [spelt(one, LETTERS) for one in digits]
    path.write_bytes(csv_bytes({"id": page.ids, role: texts}, quoted=True))
