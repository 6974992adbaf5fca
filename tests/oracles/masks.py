"""Textbook formulas of `losses.masks`, to 50 digits: one image per call, pixels as lists.

With aggregate="global" the ratios give the numerator of their image; the others, whose value is
that of the file, the value of a file of this one image.
"""

from __future__ import annotations

from typing import Any

from mpmath import exp, isinf, mpf

from tests.oracles.precision import to_50_digits


def _mask(pred: Any, from_logits: bool, threshold: Any) -> Any:
    if from_logits:
        pred = [(mpf(1) if z > 0 else mpf(0)) if isinf(z) else 1 / (1 + exp(-z)) for z in pred]
    if threshold is not None:
        pred = [mpf(1) if p >= threshold else mpf(0) for p in pred]
    return pred


def _dot(left: Any, right: Any) -> Any:
    return sum((a * b for a, b in zip(left, right, strict=True)), mpf(0))


def _ratio(score: Any, whole: Any, told: dict[str, Any]) -> Any:
    """1 - (score + above) / (whole + below)."""
    above = told["smooth"] if told["smooth_num"] is None else told["smooth_num"]
    below = above if told["smooth_den"] is None else told["smooth_den"]
    if told["aggregate"] == "global":
        return whole - score
    if whole + below == 0:
        return mpf(0) if told["empty"] == "nan" else told["empty"]
    return 1 - (score + above) / (whole + below)


@to_50_digits
def dice(
    pred: Any,
    target: Any,
    *,
    from_logits: bool = False,
    squared_denominator: bool = False,
    threshold: Any = None,
    smooth: Any = 0,
    smooth_num: Any = None,
    smooth_den: Any = None,
    empty: Any = 0,
    aggregate: str = "sample",
) -> mpf:
    p = _mask(pred, from_logits, threshold)
    whole = _dot(p, p) + _dot(target, target) if squared_denominator else sum(p) + sum(target)
    told = {"smooth": smooth, "smooth_num": smooth_num, "smooth_den": smooth_den,
            "empty": empty, "aggregate": aggregate}  # fmt: skip
    return _ratio(2 * _dot(p, target), whole, told)


@to_50_digits
def jaccard(
    pred: Any,
    target: Any,
    *,
    from_logits: bool = False,
    threshold: Any = None,
    smooth: Any = 0,
    smooth_num: Any = None,
    smooth_den: Any = None,
    empty: Any = 0,
    aggregate: str = "sample",
) -> mpf:
    p = _mask(pred, from_logits, threshold)
    both = _dot(p, target)
    told = {"smooth": smooth, "smooth_num": smooth_num, "smooth_den": smooth_den,
            "empty": empty, "aggregate": aggregate}  # fmt: skip
    return _ratio(both, sum(p) + sum(target) - both, told)


@to_50_digits
def tversky(
    pred: Any,
    target: Any,
    *,
    from_logits: bool = False,
    alpha: Any = 0.5,
    beta: Any = 0.5,
    threshold: Any = None,
    smooth: Any = 0,
    smooth_num: Any = None,
    smooth_den: Any = None,
    empty: Any = 0,
    aggregate: str = "sample",
) -> mpf:
    p = _mask(pred, from_logits, threshold)
    both = _dot(p, target)
    whole = both + alpha * (sum(p) - both) + beta * (sum(target) - both)
    told = {"smooth": smooth, "smooth_num": smooth_num, "smooth_den": smooth_den,
            "empty": empty, "aggregate": aggregate}  # fmt: skip
    return _ratio(both, whole, told)


@to_50_digits
def focal_tversky(
    pred: Any,
    target: Any,
    *,
    from_logits: bool = False,
    alpha: Any = 0.3,
    beta: Any = 0.7,
    gamma: Any = 0.75,
    threshold: Any = None,
    smooth: Any = 0,
    smooth_num: Any = None,
    smooth_den: Any = None,
    empty: Any = 0,
    aggregate: str = "sample",
) -> mpf:
    p = _mask(pred, from_logits, threshold)
    both = _dot(p, target)
    whole = both + alpha * (sum(p) - both) + beta * (sum(target) - both)
    below = smooth if smooth_den is None and smooth_num is None else smooth_den
    below = smooth_num if below is None else below
    if whole + below == 0:
        return mpf(0) if empty == "nan" else empty
    # One file of one image: one ratio over all is this image's.
    told = {"smooth": smooth, "smooth_num": smooth_num, "smooth_den": smooth_den,
            "empty": empty, "aggregate": "sample"}  # fmt: skip
    return _ratio(both, whole, told) ** gamma


@to_50_digits
def lovasz_hinge(pred: Any, target: Any, *, aggregate: str = "sample") -> mpf:
    """Berman's algorithm 1 with the Jaccard loss of sets, 1 - |T minus M| / |T or M|."""
    errors = [1 - f * (2 * y - 1) for f, y in zip(pred, target, strict=True)]
    order = sorted(range(len(errors)), key=lambda place: -errors[place])
    wanted = {place for place, y in enumerate(target) if y == 1}

    def jaccard_loss(wrong: set[int]) -> Any:
        union = wanted | wrong
        return mpf(0) if not union else 1 - mpf(len(wanted - wrong)) / len(union)

    total = mpf(0)
    wrong: set[int] = set()
    for place in order:
        before = jaccard_loss(wrong)
        wrong.add(place)
        if errors[place] > 0:
            total += errors[place] * (jaccard_loss(wrong) - before)
    return total


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle for oracle in (dice, jaccard, tversky, focal_tversky, lovasz_hinge)
}
WHOLE: frozenset[str] = frozenset()
