"""What the table of the worst rows shows of one row, beside plain numbers: the classes and their
probabilities, how boxes overlap, texts and their edits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossctl.arrays import Domain, Ragged, widened
from lossctl.batch import Batch
from lossctl.binding import Binding
from lossctl.classes import Classes, of_columns
from lossctl.loss import get
from lossctl.needs import TARGETS
from lossctl.probabilities import class_probabilities
from lossctl.report import Json
from lossctl.sequences import decode, is_text
from lossctl.spec import Spec

LONGEST = 8  # numbers of a vector that are shown one by one


class Shown:
    """Called with a batch of one row, gives the cells that describe it, by column name."""

    def __init__(self, binding: Binding, specs: tuple[Spec, ...]) -> None:
        self.domains = {role: bound.domain for role, bound in binding.bound.items()}
        predicted = binding.bound.get("pred")
        names = of_columns(predicted.columns) if predicted is not None else ()
        given = next((one.classes for one in binding.bound.values() if one.classes), None)
        self.classes = given or Classes(names)
        self.named = {role for role, one in binding.bound.items() if one.classes is not None}
        self.told = dict(specs[0].all_settings)
        if specs[0].loss.label == "wer":
            self.told["level"] = "token"
        self.from_logits = any(spec.told("from_logits") is True for spec in specs)

    def __call__(self, row: Batch) -> Json:
        held = {role: row.columns[role] for role in self.domains}
        names = {domain.name for domain in self.domains.values()}
        shown: Json = {}
        for role in ("target", "label"):
            if role in held and not (role == "label" and "target" in shown):
                shown["target"] = self._cell(role, held[role])
        truth = held.get("label", held.get("target"))
        if self._classes("pred", held) and isinstance(truth, np.ndarray) and truth.ndim == 1:
            return shown | self._predicted(held["pred"], truth)
        if any("pixels" in domain.axes for domain in self.domains.values()):
            inked = held["pred"][0]
            if self.domains["pred"].high != 1.0:  # scores: ink is above 0
                inked = (inked > 0.0).astype(np.float64)
            return _areas(inked, held["target"][0])
        if self._classes("pred", held) and self._classes("target", held):
            return self._most_likely(held["target"], False, "target") | self._most_likely(
                held["pred"], self.from_logits, "pred"
            )
        if truth is not None and self._labelled(held.get("pred"), truth):
            threshold = self.told.get("threshold") or (0.0 if self.from_logits else 0.5)
            return {
                "target": self._labels(truth[0] > 0.0),
                "pred": self._labels(held["pred"][0] > threshold),
            }
        if "vector" in names:
            return shown | _distances(row.columns)
        for role, column in held.items():
            cell = None if role in ("target", "label") else self._cell(role, column)
            if cell is not None:
                shown[role] = cell
        if "box" in names or "boxes" in self.told:
            told = {"boxes": self.told.get("boxes", "xyxy"), "as_similarity": True}
            shown["iou"] = float(get("iou_loss")(held["pred"], held["target"], **told)[0])
        if {self.domains[role].shape for role in ("pred", "target") if role in held} == {"text"}:
            shown["s/i/d"] = _edits(held["pred"], held["target"], self.told)
        return {name: value for name, value in shown.items() if value is not None}

    def _classes(self, role: str, held: Mapping[str, Any]) -> bool:
        """Whether a role holds one value for each class."""
        column = held.get(role)
        if not isinstance(column, np.ndarray) or column.ndim != 2:
            return False
        domain = self.domains[role]
        return "classes" in domain.axes or domain.name == "category"

    def _labelled(self, pred: Any, truth: Any) -> bool:
        """Whether a row has several labels, each of which holds or does not."""
        both = isinstance(pred, np.ndarray) and isinstance(truth, np.ndarray)
        if not both or pred.ndim != 2 or pred.shape != truth.shape:
            return False
        taken = self.domains["target" if "target" in self.domains else "label"]
        limited = bool(taken.choices) or (taken.low, taken.high) == (0.0, 1.0)
        return limited and bool(np.isin(truth, (-1.0, 0.0, 1.0)).all())

    def _labels(self, holds: Any) -> str:
        """The labels that hold, by name."""
        places = np.flatnonzero(holds).tolist()
        return " ".join(self.classes.name(place) or str(place) for place in places) or "none"

    def _predicted(self, pred: Any, label: Any) -> Json:
        """The predicted class, and the probabilities of it and of the true one."""
        chances = class_probabilities(pred, from_logits=self.from_logits)[0]
        best = int(np.argmax(chances))
        true = float(label[0])
        inside = 0 <= true < len(chances)
        return {
            "pred": self.classes.name(best) or best,
            "p(true)": float(chances[int(true)]) if inside else None,
            "p(pred)": float(chances[best]),
        }

    def _most_likely(self, rows: Any, from_logits: bool, side: str) -> Json:
        """The most probable class of one side, and its probability."""
        chances = class_probabilities(rows, from_logits=from_logits)[0]
        best = int(np.argmax(chances))
        return {side: self.classes.name(best) or best, f"p({side})": float(chances[best])}

    def _cell(self, role: str, column: Any) -> Any:
        """One role as a number, a text, or None where it would fill the screen."""
        if isinstance(column, Ragged):
            return _sequence(column)
        value = column[0]
        if np.ndim(value) == 0:
            plain = value.item()
            if role in self.named or (role in TARGETS and "label" in self.domains):
                return self.classes.name(plain) or plain
            return plain
        domain: Domain = self.domains[role]
        if len(value) > LONGEST:
            return None if domain.shape == "vector" else [float(one) for one in value[:LONGEST]]
        return value.tolist()


def _sequence(column: Ragged) -> Any:
    row = column.row(0)
    if is_text(column):
        text = decode(row)
        return text if isinstance(text, str) else " ".join(text)
    if row.ndim == 2:
        return None
    values = widened(row).tolist()
    return values if len(values) <= 4 * LONGEST else None


def _distances(columns: Mapping[str, Any]) -> Json:
    """How far the vectors of one row lie apart: those of a triplet or pair, or a class's center."""

    def apart(left: Any, right: Any) -> float:
        return float(np.sqrt(np.square(left - right).sum()))

    whole = ("centers", "class_vectors", "class_weight")
    held = {
        role: column[0]
        for role, column in columns.items()
        if isinstance(column, np.ndarray) and role not in whole
    }
    if {"anchor", "positive", "negative"} <= held.keys():
        anchor = held["anchor"]
        return {f"d({role})": apart(anchor, held[role]) for role in ("positive", "negative")}
    if {"left", "right"} <= held.keys():
        return {"distance": apart(held["left"], held["right"])}
    centers = columns.get("centers")
    if centers is not None and "embedding" in held and "label" in held:
        return {"d(center)": apart(held["embedding"], centers[int(held["label"])])}
    return {}


def _areas(pred: Any, target: Any) -> Json:
    return {
        "target area": float(target.sum()),
        "pred area": float(pred.sum()),
        "overlap": float((pred * target).sum()),
    }


def _edits(pred: Ragged, target: Ragged, told: Mapping[str, Any]) -> str:
    """Substitutions, insertions and deletions of a cheapest alignment."""
    from lossctl.edits import counts

    known = {name: told[name] for name in ("level", "unicode", "substitution_cost") if name in told}
    return "/".join(map(str, counts(pred.row(0), target.row(0), **known)))
