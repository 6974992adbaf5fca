"""The finding: what the whole report comes to, in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.analyses import outliers as outliers_analysis
from lossctl.analyses.concentration import TRUSTED, Concentration
from lossctl.analyses.context import Context, prose
from lossctl.analyses.outliers import Outliers
from lossctl.analyses.wording import counted
from lossctl.reductions import Reduced
from lossctl.report import LossResult, Note, Part, Worst, listed, said_name
from lossctl.spec import Spec

ROOT = "root_mean_squared_error"
ALONE = 0.9  # of what the outliers make: then the worst row alone is the finding
DECIDES = 0.2  # share from which one row, or the few outliers, are the finding
FEW = 10


def finding(
    context: Context,
    results: dict[str, LossResult],
    worst: Worst | None,
    found: Outliers | None,
    values: dict[str, Reduced],
    pieces: Sequence[Part] = (),
) -> str:
    """The sentence that stands last on the screen."""
    leading = context.leading
    result = results[str(leading)]
    name = prose(leading)
    if result.status != "ok":
        rows = [r for r in (worst.rows if worst else ()) if r.losses[str(leading)] is None]
        names = listed([said_name(r.row, r.id) for r in rows])
        return without_value(name, result) + (f" (first: {names})." if rows else ".")
    if result.value == 0 and leading.shares:
        root = next((one for one in results.values() if one.name == ROOT), None)
        return of_zero(leading, None if root is None else root.value)
    if worst is None or not worst.rows or not leading.shares or result.n < 2:
        return ""
    top = worst.rows[0]
    share = top.shares[str(leading)]
    if share is None:
        return ""
    few = _few_outliers(context, found, values)
    made = 0.0 if few is None else few[1]
    if few is not None and share < ALONE * made:
        return few[0]
    if share >= DECIDES:
        row = f"Row {said_name(top.row, top.id)}"
        text = f"{row} is {_percent(share)} of the {name}" + _contrast(context, top.shares)
        return text + _falls(context, results, top.without) + "."
    decided = _decided(results, str(leading))
    if decided is not None:
        return f"{_half(result, name)}The worst row makes {_small(share)} of it, but {decided}"
    worst_makes = f"the worst makes {_small(share)} of the {name}"
    corrected = next(filter(None, map(_of_split, pieces)), "")
    return f"{corrected or _half(result, name)}No row decides these losses: {worst_makes}."


def without_value(name: str, result: LossResult | Reduced) -> str:
    """`MAPE is infinite: …`."""
    return f"{name} {_STATUS.get(result.status, result.status)}: {result.reason}"


def of_zero(spec: Spec, root: float | None) -> str:
    """What there is to say of a loss that is 0, by the RMSE where that is known."""
    if spec.loss.name == "mean_squared_error" and root:
        return f"{prose(spec)} is 0, as float64 holds no squares so small; RMSE is {root:.4g}."
    return f"{prose(spec)} is 0: no row adds to it."


def of_group(part: Part) -> str:
    """The sentence of a grouping of which some group is worse than the others; else nothing."""
    worse = any(
        one["losses"].get(part.data["by"], {}).get("verdict") == "worse"
        for one in part.data["groups"]
    )
    return f"{part.text}." if worse else ""


def _of_split(part: Part) -> str:
    """What a line on the predictions would remove, where that is much of the MSE; else nothing."""
    mended = part.data.get("mended")
    if not mended or part.data["removable"] < DECIDES:
        return ""
    would = (
        "A constant would do better" if part.data["flat"] else "A correction would lower the MSE"
    )
    return f"{would}: {mended}. "


def of_wrong(note: Note) -> str:
    """The finding where inputs look wrong: then no other matters."""
    return f"Check the files before anything else: {note.text.partition(':')[0]}."


def _decided(results: dict[str, LossResult], leading: str) -> str | None:
    """The loss, other than the leading one, of which one row makes most."""
    others = [r for r in results.values() if r.worst and (r.worst["share"] or 0.0) >= DECIDES]
    if not others:
        return None
    most = max(others, key=lambda one: one.worst["share"] if one.worst else 0.0)
    assert most.worst is not None
    name = said_name(most.worst["row"], most.worst["id"])
    return f"{name} makes {_percent(most.worst['share'])} of the {prose(most)}."


def _half(result: LossResult, name: str) -> str:
    if result.half is None:
        return ""
    samples = counted(result.half, "sample")
    verb = "makes" if result.half == 1 else "make"
    return f"{samples} of {result.n} {verb} half of the {name}. "


def _few_outliers(
    context: Context, found: Outliers | None, values: dict[str, Reduced]
) -> tuple[str, float] | None:
    """`Three rows (#371 #17 #233) make 86 % of the MSE ...`, where few outliers decide, and the
    share that they make."""
    if found is None or not 1 < found.count <= max(FEW, found.rows // 20) or not found.kept:
        return None
    shares = outliers_analysis.shares(found, values)
    share = shares.get(str(context.leading))
    if share is None or share < DECIDES:
        return None
    names = listed(outliers_analysis.names(found), FEW if found.count <= FEW else 3)
    count = _WORDS.get(found.count, str(found.count))
    text = f"{count} rows ({names}) make {_percent(share)} of the {prose(context.leading)}"
    without = {spec: one.value for spec, one in found.kept.items()}
    now = {spec: one.value for spec, one in values.items()}
    text += _contrast(context, shares, " and ") + _change(_shown(context), now, without)
    return f"{text}.", share


def _contrast(context: Context, shares: dict[str, float | None], join: str = " but ") -> str:
    """How the same rows fare under the loss that minds them least."""
    known = {spec: s for spec, s in shares.items() if s is not None}
    leading = shares[str(context.leading)] or 0.0
    if "mae" in known and context.leading.text != "mae" and abs(known["mae"] - leading) > 0.02:
        return f"{join}{_percent(known['mae'])} of the MAE"
    return ""


def _shown(context: Context) -> Spec:
    """The RMSE beside the MSE, whose unit nobody knows; else the leading loss."""
    rooted = (spec for spec in context.specs if spec.loss.label == "rmse")
    return next(rooted, context.leading) if context.leading.loss.label == "mse" else context.leading


def _falls(
    context: Context, results: dict[str, LossResult], without: dict[str, float | None]
) -> str:
    now = {spec: result.value for spec, result in results.items()}
    return _change(_shown(context), now, without).replace("without them", "without it")


def _change(spec: Spec, now: dict[str, float | None], without: dict[str, float | None]) -> str:
    before, after = now.get(str(spec)), without.get(str(spec))
    if before is None or after is None:
        return ""
    if f"{before:.4g}" == f"{after:.4g}":
        return f"; without them {prose(spec)} stays {before:.4g}"
    verb = "falls" if after < before else "rises"
    return f"; without them {prose(spec)} {verb} from {before:.4g} to {after:.4g}"


def _small(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "less than 0.1 %"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 0.995 or share == 1 else f"{100 * share:.1f} %"


_STATUS = {"infinite": "is infinite", "overflow": "overflows", "undefined": "is undefined",
           "not_applicable": "has no value"}  # fmt: skip
_WORDS = {2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six", 7: "Seven", 8: "Eight", 9: "Nine"}


def warnings(concentration: dict[str, Concentration], results: dict[str, LossResult]) -> list[Note]:
    """Intervals that are not to be trusted, and why."""
    loose = [
        spec
        for spec, one in concentration.items()
        if not one.trusted and results[spec].interval is not None
    ]
    if not loose:
        return []
    titles = [results[spec].title for spec in loose]
    names = ", ".join(titles[:-1]) + (" and " if len(loose) > 1 else "") + titles[-1]
    plural = len(loose) > 1
    known = [one.khat for spec in loose if (one := concentration[spec]).khat is not None]
    worst = max(known, default=0.0)
    if any(concentration[spec].few for spec in loose):
        reason = f"a few rows decide {'them' if plural else 'it'}"
    else:
        reason = "the largest losses keep growing with the number of rows"
    if worst >= TRUSTED:
        beyond = "the mean may not exist" if worst >= 1 else _infinite(worst)
        reason += f" (tail index {worst:.2f}: {beyond})"
    text = (
        f"The interval{'s' if plural else ''} of {names} {'are' if plural else 'is'} not to be "
        f"trusted: {reason}."
    )
    return [Note("tail", text, warning=True)]


# How often the 95 % interval of the mean held in simulation, by tail index: squares of 1000 values
# of Student's t with 2 / index degrees of freedom.
COVERED = {0.5: 0.89, 0.6: 0.83, 0.7: 0.72, 0.8: 0.53, 0.9: 0.28}


def _infinite(khat: float) -> str:
    held = COVERED[max(index for index in COVERED if index <= khat)]
    return (
        f"the variance looks infinite; in simulation 95 % intervals of such losses held in about "
        f"{100 * held:.0f} % of cases"
    )
