"""Groups of rows against all others, from exact sums: tests of means, and Holm's correction for
many of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lossctl.analyses.significance import student_p
from lossctl.exact import ONE, Exact, ratio
from lossctl.reductions.additive import Additive
from lossctl.reductions.reduced import ratio_error
from lossctl.states import SumsState

FEWEST = 30  # rows below which a group is not judged
SURE = 0.05  # the corrected p below which a group stands out
HANDFUL = 5  # rows, by effective n, that make nearly all of a group's loss


@dataclass(frozen=True, slots=True)
class Contrast:
    """A group against the rest: how much larger its mean is, and how surprising that is."""

    difference: float
    p: float


def as_mean(state: SumsState, reduction: Additive) -> SumsState:
    """The sums so that a / b is the mean of the rows: where the reduction divides by something
    else than the weights, every row counts 1."""
    if reduction.divisor == "weights":
        return state
    n = state.nonzero if reduction.divisor == "nonzero" else state.count
    return replace(state, nonzero=n, b=n * ONE, ab=state.a, bb=n * ONE)


def even(mean: SumsState) -> bool:
    """Whether every row counts 1 in such sums."""
    return mean.b == (mean.count - mean.infinite) * ONE


def rest(whole: SumsState, part: SumsState) -> SumsState:
    """The sums of all other rows."""
    return replace(
        whole.less(part), aa=whole.aa - part.aa, ab=whole.ab - part.ab, bb=whole.bb - part.bb
    )


def judged(part: SumsState, others: SumsState) -> bool:
    """Whether both have enough rows, and finite sums."""
    enough = min(part.nonzero, others.nonzero) >= FEWEST
    return enough and not part.infinite and not others.infinite


def few(part: SumsState, squares: Exact | None = None) -> bool:
    """Whether a handful of rows makes nearly all of a sum of values that are not negative, by
    Kish's effective number; `squares` is the sum of their squares where `part` has none."""
    square = part.aa if squares is None else squares
    if part.nonzero < 2 or square <= 0 or part.a <= 0:
        return False
    return 4 * part.a * part.a < min(4 * HANDFUL, part.nonzero) * square * ONE


def gap(part: SumsState, others: SumsState) -> tuple[float, float, float] | None:
    """How much larger the mean a / b of some rows is than that of others, and the standard error of
    each; None where float64 cannot hold their spread, or there is nothing to divide by."""
    if min(part.b, others.b) <= 0 or min(part.nonzero, others.nonzero) < 2:
        return None
    try:
        above = part.a * others.b - others.a * part.b
        difference = ratio(above, part.b * others.b)
        return difference, ratio_error(part, part.nonzero), ratio_error(others, others.nonzero)
    except OverflowError:
        return None


def compare(part: SumsState, others: SumsState) -> Contrast | None:
    """A test of two means a / b from their exact moments (of ratios by the delta method): Welch's,
    or Student's of one common variance where that is less sure. None where there is no `gap`.

    Losses are skewed: a group that by chance has none of the large ones has a small variance too,
    and Welch's test alone would find it better far too often.
    """
    found = gap(part, others)
    if found is None or math.isinf(error := math.hypot(*found[1:])):
        return None
    difference, first, second = found
    if error == 0.0:
        return Contrast(difference, 1.0 if difference == 0.0 else 0.0)
    shares = (first / error) ** 4 / (part.nonzero - 1) + (second / error) ** 4 / (
        others.nonzero - 1
    )
    apart = student_p(difference / error, 1.0 / shares)
    # The errors of means of one variance, by the effective rows of both.
    sizes = (part.effective, others.effective)
    degrees = [one.nonzero - 1 for one in (part, others)]
    spreads = ((first / error) ** 2 * sizes[0], (second / error) ** 2 * sizes[1])
    variance = sum(n * s for n, s in zip(degrees, spreads, strict=True)) / sum(degrees)
    common = math.sqrt(variance * (1.0 / sizes[0] + 1.0 / sizes[1]))
    alike = student_p(difference / error / common, sum(degrees))
    return Contrast(difference, max(apart, alike))


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected so that the chance of any false alarm among all keeps its level (Holm
    1979); in the order given."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    corrected = [0.0] * len(p)
    least = 0.0
    for passed, place in enumerate(order):
        least = max(least, min(1.0, (len(p) - passed) * p[place]))
        corrected[place] = least
    return corrected
