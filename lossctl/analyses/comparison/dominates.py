"""For which losses one of two models is better, whatever the loss: those that grow with the error,
convex ones, those that the mean or a quantile wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lossctl.analyses import dominance, murphy
from lossctl.analyses.context import Context
from lossctl.analyses.crossings import Comparison, Lead
from lossctl.analyses.dominance import Dominance
from lossctl.analyses.murphy import Murphy
from lossctl.analyses.wording import percent, short
from lossctl.batch import Batch
from lossctl.models import Model
from lossctl.report import Chart, Json, Part, Series
from lossctl.rounds import Rounds, in_step

CLASSES = {
    "symmetric_monotone": "every symmetric loss that grows with the error",
    "symmetric_convex": "every symmetric convex loss (mae, rmse, huber, log_cosh, any delta)",
    "monotone": "every loss that grows with the error, symmetric or not",
    "convex": "every convex loss, symmetric or not (pinball and linex too)",
}
LEAST = 0.005  # of the rows: a lead by fewer is not said


@dataclass(frozen=True, slots=True)
class Dominates:
    """Of two models, by number: by their errors, and by the losses that a functional wins."""

    first: int
    second: int
    errors: Dominance | None
    murphy: Murphy | None


def rounds(
    context: Context, models: Sequence[Model], pair: tuple[int, int], task: str, like: Batch
) -> Rounds[Dominates]:
    """The curves of a pair of models; `like` is any batch."""
    views = models[pair[0]], models[pair[1]]
    asked: list[Rounds[Any]] = [dominance.rounds(context, *views)]
    level = _level(context)
    if task in ("regression", "auto", "custom"):
        asked.append(murphy.murphy_rounds(context, *views))
    elif task == "binary" and "target" in like.columns and not _logits(context):
        asked.append(murphy.murphy_rounds(context, *views, role="pred"))
    elif task == "quantile" and level is not None:
        asked.append(murphy.murphy_rounds(context, *views, functional="quantile", level=level))
    found = yield from in_step(asked)
    return Dominates(*pair, found[0], found[1] if len(found) > 1 else None)


def _logits(context: Context) -> bool:
    return any(spec.told("from_logits") is True for spec in context.specs)


def _level(context: Context) -> float | None:
    """The one quantile that is predicted."""
    levels = [spec.told("quantile") for spec in context.specs]
    return levels[0] if len(levels) == 1 and isinstance(levels[0], float) else None


def part(found: Dominates, names: Sequence[str], *, curves: bool) -> Part | None:
    """The classes of losses by which one is better, and where the lead changes; pictures too where
    `curves` are wanted. None where there is nothing to tell."""
    first, second = names[found.first], names[found.second]
    said: list[str] = []
    data: Json = {"first": first, "second": second}
    charts: list[Chart] = []
    if found.errors is not None:
        said += _of_errors(found.errors, first, second)
        data["errors"] = _errors_data(found.errors)
        within = found.errors.within
        charts.append(_chart("rows with |error| ≤ t", "t", within, (first, second)))
    if found.murphy is not None:
        said.append(_of_murphy(found.murphy, first, second))
        data["murphy"] = {"functional": found.murphy.functional, "level": found.murphy.level,
                          "exact": found.murphy.exact, **_data(found.murphy.curves)}  # fmt: skip
        curve = found.murphy.curves
        title = f"Murphy diagram: loss by threshold ({found.murphy.functional})"
        charts.append(_chart(title, "threshold", curve, (first, second)))
        apart = tuple(y - x for x, y in zip(curve.first, curve.second, strict=True))
        name = f"{second} - {first} (below 0: {second} is better)"
        charts.append(Chart(name, "threshold", curve.at, (Series("", apart),),
                            tuple(one.at for one in curve.crossings)))  # fmt: skip
    if not said:
        return None
    return Part("which losses", "; ".join(said), data, charts=tuple(charts) if curves else ())


def _of_errors(found: Dominance, first: str, second: str) -> list[str]:
    names = {"first": first, "second": second}
    about = "" if found.exact else " (at some 500 thresholds)"
    verdicts = {name: getattr(found, name) for name in CLASSES}
    if set(verdicts.values()) == {"alike"}:
        return [f"the errors of {first} and {second} are equally large"]
    # The widest class that one is better by implies the others.
    for name in ("monotone", "symmetric_monotone"):
        if verdicts[name] in names:
            return [f"{names[verdicts[name]]} has the smaller mean of {CLASSES[name]}{about}"]
    widest = next((name for name in ("convex", "symmetric_convex") if verdicts[name] in names), "")
    if widest:
        winner = verdicts[widest]
        text = f"{names[winner]} has the smaller mean of {CLASSES[widest]}{about}"
        side = "second" if winner == "first" else "first"
        return [f"{text}, not of all that only grow with |error|"
                f"{_where(found.within, first, second, (side,))}"]  # fmt: skip
    where = _where(found.within, first, second, ("second", "first"))
    return [f"neither has the smaller mean of every convex loss{about}{where}"]


def _where(curve: Comparison, first: str, second: str, sides: Sequence[str]) -> str:
    """`: forest has more errors below 0.70 (88 % and 0 %)`: the largest lead of each."""
    said = []
    for side in sides:
        name = second if side == "second" else first
        lead = _largest(curve, side)
        if lead is None or abs(lead.first - lead.second) < LEAST:
            continue
        shares = (lead.second, lead.first) if side == "second" else (lead.first, lead.second)
        both = f"{percent(shares[0])} and {percent(shares[1])}"
        said.append(f"{name} has more errors below {short(lead.until)} ({both})")
    return f": {', '.join(said)}" if said else ""


def _largest(curve: Comparison, side: str) -> Lead | None:
    own = [lead for lead in curve.leads if lead.ahead == side]
    return max(own, key=lambda lead: abs(lead.first - lead.second), default=None)


def _of_murphy(found: Murphy, first: str, second: str) -> str:
    name = "the mean" if found.functional == "mean" else f"the {found.level:g} quantile"
    name = f"loss consistent for {name}" + (" (MSE, Poisson, ...)" if "mean" in name else "")
    about = "" if found.exact else " (at 512 thresholds)"
    if found.verdict == "alike":
        return f"{first} and {second} are alike by every {name}"
    if found.verdict in ("first", "second"):
        winner = first if found.verdict == "first" else second
        return f"{winner} has the smaller mean of every {name}{about}"
    return f"neither by every {name}{about}"


def _errors_data(found: Dominance) -> Json:
    verdicts = {name: getattr(found, name) for name in CLASSES}
    return {"exact": found.exact, **verdicts, "within": _data(found.within)}


def _data(curve: Comparison) -> Json:
    return {
        "verdict": curve.verdict, "turns": curve.turns,
        "crossings": [asdict(one) for one in curve.crossings],
        "leads": [asdict(one) for one in curve.leads],
        "at": list(curve.at), "first": list(curve.first), "second": list(curve.second),
    }  # fmt: skip


def _chart(title: str, x_name: str, curve: Comparison, names: tuple[str, str]) -> Chart:
    series = tuple(Series(name, values) for name, values in
                   zip(names, (curve.first, curve.second), strict=True))  # fmt: skip
    return Chart(title, x_name, curve.at, series, tuple(one.at for one in curve.crossings))
