"""Textbook formulas of `losses.sequence`: CTC to 50 digits, edit distance by plain recursion.

CTC adds the probabilities of paths, grouped by what they have come to: the symbols so far, and the
last frame's. The code under test goes through the states of the target instead.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

from mpmath import exp, inf, isinf, log, mpf

from tests.oracles.precision import to_50_digits


def ctc(
    pred: list[list[Any]],
    target: list[Any],
    input_length: Any = None,
    *,
    blank: int = 0,
    normalize: str = "none",
    zero_infinity: bool = False,
    from_logits: bool = True,
    merge_repeated: bool = True,
) -> mpf:
    frames = [list(frame) for frame in pred][: None if input_length is None else int(input_length)]
    symbols = tuple(int(symbol) for symbol in target)
    width = len(frames[0]) if frames else 0

    @to_50_digits
    def value(*flat: mpf) -> mpf:
        rows = [flat[start : start + width] for start in range(0, len(flat), width or 1)]
        likelihood = _likelihood(rows, symbols, blank % max(width, 1), from_logits, merge_repeated)
        return -log(likelihood) if likelihood else inf

    found = value(*(number for frame in frames for number in frame))
    if zero_infinity and isinf(found):
        return mpf(0)
    return found / max(len(symbols), 1) if normalize == "target_length" else found


def _likelihood(
    rows: list[Any], symbols: tuple[int, ...], blank: int, from_logits: bool, merge: bool
) -> mpf:
    """The sum over all paths that come to `symbols`; those that cannot any more are left out."""
    paths = {((), blank): mpf(1)}
    for row in rows:
        weights = [exp(value) for value in row]
        total = sum(weights) if from_logits else mpf(1)
        after: dict[Any, mpf] = {}
        for (emitted, last), probability in paths.items():
            for symbol, weight in enumerate(weights):
                repeated = merge and symbol == last
                longer = emitted if symbol == blank or repeated else (*emitted, symbol)
                if longer == symbols[: len(longer)]:
                    key = longer, symbol
                    after[key] = after.get(key, mpf(0)) + probability * weight / total
        paths = after
    return sum((p for (emitted, _), p in paths.items() if emitted == symbols), mpf(0))


def edit_distance(
    pred: Any,
    target: Any,
    *,
    level: str = "auto",
    normalize: str = "none",
    substitution_cost: Any = 1,
    unicode: str = "NFC",
) -> mpf:
    ours, true = (_units(row, level, unicode) for row in (pred, target))
    distance = mpf(_recursion(tuple(ours), tuple(true), substitution_cost))
    length = {"target": len(true), "max": max(len(ours), len(true))}.get(normalize, 1)
    if distance == 0:
        return mpf(0)
    return distance / length if length else inf


def character_error_rate(pred: Any, target: Any, *, unicode: str = "NFC") -> mpf:
    return edit_distance(pred, target, level="char", unicode=unicode)


def word_error_rate(pred: Any, target: Any, *, unicode: str = "NFC") -> mpf:
    return edit_distance(pred, target, level="token", unicode=unicode)


def _units(row: Any, level: str, form: Any) -> list[Any]:
    if isinstance(row, str):
        text = row if form == "none" else unicodedata.normalize(form, row)
        return text.split() if level == "token" else list(text)
    plain = form == "none"
    return [unicodedata.normalize(form, unit) if isinstance(unit, str) and not plain else unit
            for unit in row]  # fmt: skip


def _recursion(ours: tuple[Any, ...], true: tuple[Any, ...], cost: Any) -> Any:
    @cache
    def distance(i: int, j: int) -> Any:
        if i == 0 or j == 0:
            return i + j
        kept = distance(i - 1, j - 1) + (0 if ours[i - 1] == true[j - 1] else cost)
        return min(kept, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(ours), len(true))


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (ctc, edit_distance, character_error_rate, word_error_rate)
}
WHOLE: frozenset[str] = frozenset()
