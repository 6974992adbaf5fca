"""Losses over several others: their weighted sum."""

from __future__ import annotations

from typing import Annotated

from lossctl.arrays import Array
from lossctl.loss import loss
from lossctl.settings import Param


@loss(
    aliases=("weighted_sum", "total_loss"),
    tasks=("regression", "binary", "multiclass", "multilabel", "distribution", "masks", "boxes",
           "sequence", "embedding", "quantile", "interval", "ensemble"),
    reference="the usual multi-term objective, as L_S + λ L_C in Wen et al. (2016), "
    "doi:10.1007/978-3-319-46478-7_31, eq. 5",
    formula="Σ factor · loss",
)  # fmt: skip
def combine(
    total: Array,
    *,
    terms: Annotated[
        str, Param("losses in brackets and their factors", nested=True, terms=True)
    ] = "(mse)",
) -> Array:
    """Several losses as one: `combine:(softmax_loss)+0.5*(center)`.

    A row adds the weighted sum of what the terms say of it, and needs the roles of all of them. A
    negative factor takes a term off; there are no shares then. Terms are means over all rows: a
    root mean, a ratio and a loss that counts its rows unequally have no row values that add up.
    """
    return total
