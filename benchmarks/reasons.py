"""Why a loss takes more than a few passes: by family, and by loss where that does not fit.

One pass is reading the loss's columns once. In NumPy every operation is a pass over its operands
and its result, from the cache; exp, log and a division cost a few such, a power, an inverse tangent
or a sort ten and more.
"""

from __future__ import annotations

from collections.abc import Mapping

MANY = 10  # passes above which a reason is given

SPLIT = "the difference and what rounding it lost, so that nothing cancels: a dozen operations"

FAMILIES: Mapping[str, str] = {
    "angular": "the cosine of each row with every class vector, in an order of adding that no "
    "block size changes (so no matrix product), then a softmax",
    "asymmetric": "a few NumPy operations a row",
    "binary": "an exponential and a logarithm of each probability or logit, both ends kept exact",
    "boxes": "some 60 operations a pair, scaled by powers of two so that no area cancels",
    "categorical": "an exponential or logarithm of every class",
    "companion": "a few NumPy operations a row",
    "composite": "what the losses it is made of take",
    "distribution": "logarithms of every class on both sides, in a form that does not cancel where "
    "they are close",
    "embedding": "products and norms of rows, added in an order that no block size changes",
    "forecasting": "divisions, and what does not cancel where target and prediction are close",
    "likelihood": "logarithms in a form that does not cancel near the minimum",
    "margin": SPLIT,
    "masks": "three sums over the pixels of a row, added in an order that no block size changes",
    "regression": "a few NumPy operations a row",
    "reshaped": "a softmax of every class, and powers",
    "robust": "exponentials, logarithms or powers of each residual, with branches for the very "
    "small and the very large",
    "scoring": "cumulative sums or norms over the classes, kept exact, class by class",
    "sequence": "the work is the product of two lengths, not their sum",
}
LOSSES: Mapping[str, str] = {
    "pseudo_huber": "hypot, and a division and products in an order that never overflows",
    "epsilon_insensitive": SPLIT,
    "squared_epsilon_insensitive": SPLIT,
    "linex": "an exact product, expm1, and a polynomial where both would cancel",
    "multiclass_hinge": f"for every class: {SPLIT}",
    "lovasz_hinge": "a sort of the pixels of each row",
    "center": "each row's class centre is looked up, and the difference is kept with what its "
    "rounding left over",
    "info_nce": "each row against every other of its group: the work grows with its square",
    "crps": "a sort of every row's members",
    "crps_gaussian": "the normal distribution, by scipy's erf, and its density",
    "wer": "texts are cut into words, in Python, before they are aligned",
}
STATES: Mapping[str, str] = {
    "Sums": "exact: three rounds, each of which adds a power of two, takes it away and sums "
    "the rest; with moments also the products of four or five limbs",
    "EditCounts": "each row is aligned in Python, near the diagonal alone",
    "KeyedSums": "exact: as Sums, each round scattering what it sums to the groups",
    "Gram": "exact: the limbs of all columns as one matrix, by itself",
    "UnitSums": "exact: rounds of 26 bits, each scattered to the units",
    "Wins": "two comparisons",
    "RowCount": "looks at no row",
    "Within": "makes the view, then what its specification takes",
    "Regressed": "a difference and two comparisons",
    "Rows": "keeps the columns as they are",
    "Drawn": "hashes every row, and keeps few",
    "Graded": "sorts the rows to the thresholds, and sums them exactly",
    "Elementary": "sorts the rows to the thresholds, and sums them exactly",
    "Moments": "exact: four or five limbs of 19 bits, and the products of any two",
    "Top": "one partition of the block",
    "Few": "hashes every row, and keeps few",
    "Held": "keeps the column as it is",
    "Levels": "counts the rows of each value",
    "Range": "one comparison for each bound",
    "Gather": "nothing is computed",
    "Digest": "two 64-bit hashes of every value, each two multiplications and three shifts",
}


def reason(family: str, label: str) -> str:
    """Why, in words."""
    return LOSSES.get(label, FAMILIES[family])
