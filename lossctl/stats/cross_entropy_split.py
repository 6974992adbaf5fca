"""Cross-entropy of distributions: what no forecast avoids, and the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.decompositions.entropy import entropy_rounds
from lossctl.errors import DataError
from lossctl.exact import ONE
from lossctl.grammar import parse
from lossctl.roles import check_columns
from lossctl.stats.sample import answer, batch_of


def cross_entropy_split(target: Any, prob: Any) -> dict[str, Any]:
    """The mean over rows of the cross-entropy of `prob` for `target`, both (n, K), in nats, as
    entropy of the targets plus Kullback-Leibler divergence, which is infinite where one of the
    `zeros` rows has a probability of 0 though the target is not 0.

    Raises DataError for shapes that differ, rows that do not sum to 1, or values outside [0, 1].
    """
    spec = parse("cce:eps=0")
    columns = check_columns("cross_entropy_split", spec.roles, {"pred": prob, "target": target})
    for name in ("pred", "target"):
        fault = next(r for r in spec.roles if r.name == name).domain.row
        broken = np.zeros(1, dtype=bool) if fault is None else fault.broken(columns[name])
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise DataError(f"{name} row {row} does not sum to 1")
    if not len(columns["pred"]):
        raise DataError("there are no rows")
    context = Context(
        specs=(spec,),
        leading=spec,
        decompose=True,
    )
    found = answer(entropy_rounds(context, spec), batch_of(columns))
    if found is None:
        raise DataError("an entropy is not finite")
    return {
        "entropy": found.entropy,
        "kl": found.kl,
        "cross_entropy": found.cross_entropy,
        "zeros": found.zeros.a // ONE,
    }
