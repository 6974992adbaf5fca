"""A score as miscalibration, discrimination and uncertainty."""

from __future__ import annotations

from typing import Any

from lossctl.analyses.context import Context
from lossctl.analyses.decompositions.corp import Corp, corp_rounds
from lossctl.analyses.decompositions.pinball import QuantileCorp, quantile_corp
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from lossctl.roles import check_columns
from lossctl.stats.sample import answer, batch_of, numbers, same_length

LIMIT = 1_000_000  # rows, each of which may be an atom
SPECS = {
    "squared_error": "mse",
    "brier_score": "brier",
    "log_loss": "bce:eps=0",
    "poisson_deviance": "poisson_deviance",
    "absolute_error": "mae",
    "pinball_loss": "pinball",
}


def corp_decomposition(
    y: Any, p: Any, loss: str = "squared_error", level: float | None = None
) -> dict[str, Any]:
    """The mean score of forecasts `p` of outcomes `y`, both (n,): score = MCB - DSC + UNC.

    MCB is what isotonic recalibration gains, DSC what the recalibrated forecasts gain on the best
    constant, whose score is UNC (Dimitriadis, Gneiting and Jordan 2021; Gneiting and Resin 2023).
    `loss` is squared_error, brier_score, log_loss (nats), poisson_deviance, absolute_error or
    pinball_loss, whose quantile `level` is (0.5 unless said).

    Raises UsageError for another loss, or a level where there is none; DataError for data outside
    the loss's domain, of unequal lengths, infinitely wrong, or counts that are all 0.
    """
    if loss not in SPECS:
        raise UsageError(f"loss is {loss}", f"it is one of {', '.join(SPECS)}")
    if level is not None and loss != "pinball_loss":
        raise UsageError(f"level is {level}, but {loss} has no level")
    if level is not None and not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}, but must lie inside (0, 1)")
    spec = parse(SPECS[loss] + (f":quantile={level!r}" if level is not None else ""))
    target, pred = numbers(y, "y", most=LIMIT), numbers(p, "p", most=LIMIT)
    same_length(target, pred)
    columns = check_columns(loss, spec.roles, {"pred": pred, "target": target})
    batch = batch_of(columns)
    if loss in ("absolute_error", "pinball_loss"):
        parts: Corp | QuantileCorp | None = quantile_corp(spec, batch)
    else:
        context = Context(
            specs=(spec,),
            leading=spec,
            point="pred",
            single=frozenset({"pred", "target"}),
            decompose=True,
        )
        parts = answer(corp_rounds(context, spec, target.size), batch)
    if parts is None:
        why = "the counts are all 0" if not target.any() else "a score is infinite"
        raise DataError(f"{loss} has no such parts: {why}")
    return {"MCB": parts.mcb, "DSC": parts.dsc, "UNC": parts.unc, "score": parts.score}
