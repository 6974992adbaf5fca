"""Everything that `eval` asks of the rows, in step, and the report made from the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lossctl.analyses import (
    addends,
    clipped,
    concentration,
    conventions,
    decompositions,
    detectors,
    finding,
    ledger,
    outliers,
    skill,
    tails,
    worst,
)
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest
from lossctl.batch import Batch
from lossctl.reductions import Reduced
from lossctl.report import Json, LossResult, Note, Part, Worst
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec
from lossctl.states import SumsState


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The answers."""

    values: dict[str, Reduced]
    references: dict[str, Reduced | None]
    concentration: dict[str, concentration.Concentration]
    worst: worst.WorstOf | None
    outliers: outliers.Outliers | None
    tails: tails.Tails | None
    digest: str | None
    clipped: Mapping[str, SumsState | None] = field(default_factory=dict)
    numbers: Mapping[str, ledger.Numbers | None] = field(default_factory=dict)
    addends: Mapping[str, list[addends.Addend]] = field(default_factory=dict)
    pieces: Sequence[Part] = ()
    groups: Sequence[Part] = ()
    wrong: Sequence[Note] = ()


def rounds(context: Context, *, full: bool) -> Rounds[Evaluation]:
    """The values alone, or (`full`) everything that the first screen shows."""
    specs = context.specs
    names = [str(spec) for spec in specs]
    if not full:
        values = yield from in_step(context.reduced(spec) for spec in specs)
        return Evaluation(dict(zip(names, values, strict=True)), {}, {}, None, None, None, None)
    # One loss after the other, so that its values are still in the cache when they are asked again.
    questions: list[Rounds[Any]] = [in_step(_of_loss(context, spec)) for spec in specs]
    questions += [worst.rounds(context), outliers.rounds(context), tails.rounds(context), _digest()]
    questions += [detectors.rounds(context), _pieces(context), _groups(context)]
    answers: list[Any] = yield from in_step(questions)
    *each, worst_rows, outlying, tail, digest, wrong, pieces, of_groups = answers
    by_name = [dict(zip(names, one, strict=True)) for one in zip(*each, strict=True)]
    return Evaluation(
        values=by_name[0],
        references=by_name[1],
        concentration={spec: one for spec, one in by_name[2].items() if one is not None},
        worst=worst_rows,
        outliers=outlying,
        tails=tail,
        digest=digest,
        clipped=by_name[3],
        numbers=by_name[4],
        addends=by_name[5],
        pieces=pieces,
        groups=of_groups,
        wrong=wrong,
    )


def _pieces(context: Context) -> Rounds[list[Part]]:
    """The losses taken apart: in a sentence, or with everything behind it."""
    wanted = decompositions.every() if context.decompose else decompositions.BRIEF
    found = yield from in_step(ask(context, spec) for ask in wanted for spec in context.specs)
    # Losses that are taken apart alike say it once.
    return list({part.text: part for part in reversed(found) if part is not None}.values())[::-1]


def _groups(context: Context) -> Rounds[list[Part]]:
    """What each group makes of the losses, where groups are asked for."""
    if not context.by:
        return []
    from lossctl.analyses import groups

    return (yield from groups.rounds(context, context.by))


def _of_loss(context: Context, spec: Spec) -> list[Rounds[Any]]:
    """What is asked of one loss."""
    return [
        context.reduced(spec),
        skill.rounds(context, spec),
        concentration.rounds(context, spec),
        clipped.rounds(context, spec),
        ledger.rounds(context, spec),
        addends.rounds(context, spec),
    ]


def _digest() -> Rounds[str]:
    digest = Digest()
    return str((yield (digest,))[digest])


@dataclass(frozen=True, slots=True)
class Parts:
    """What a report holds of an evaluation."""

    losses: tuple[LossResult, ...]
    worst: Worst | None
    parts: tuple[Part, ...]
    notes: tuple[Note, ...]
    finding: str
    ignored: int  # rows that some loss leaves out of its average


def parts(
    context: Context,
    found: Evaluation,
    like: Batch,
    scored: int,
    dropped: Mapping[str, int] | None = None,
) -> Parts:
    """The report's parts. `like` is any batch: single rows are scored in its shape; `scored` is
    the number of all rows, and `dropped` those left out, by reason."""
    results = {str(spec): _result(context, spec, found, like) for spec in context.specs}
    made: list[Part] = []
    rows = max((one.count for one in found.values.values()), default=0)
    concentrated = concentration.part(context, found.concentration, rows)
    if concentrated is not None:
        made.append(concentrated)
    able = {str(spec) for spec in context.specs if spec.shares}
    if found.outliers is not None:
        made.append(outliers.part(context, found.outliers, found.values, able))
    if found.tails is not None:
        made.append(tails.part(found.tails))
    made += [*found.pieces, *found.groups]
    numbers = ledger.part(context, found.numbers, found.values, dropped)
    made += [] if numbers is None else [numbers]
    table = None if found.worst is None else worst.part(context, found.worst, found.values, like)
    notes = [*_notes(context)]
    for spec in context.specs:
        said_of = clipped.note(spec, found.clipped.get(str(spec)))
        of_terms = addends.note(
            spec, found.addends.get(str(spec), []), found.values[str(spec)].value
        )
        notes += [one for one in (said_of, of_terms) if one is not None]
    ignored = _ignored(context, found, scored)
    notes += [] if not ignored else [Note("ignored", _said_of_ignored(ignored, scored))]
    notes += [*finding.warnings(found.concentration, results), *found.wrong]
    said = ""
    if found.worst is not None:
        said = finding.finding(context, results, table, found.outliers, found.values, found.pieces)
    said = " ".join([*(finding.of_group(part) for part in found.groups), said]).strip()
    if found.wrong:
        said = finding.of_wrong(found.wrong[0])
    if context.top == 0:
        table = None
    return Parts(tuple(results.values()), table, tuple(made), tuple(notes), said, ignored)


def _ignored(context: Context, found: Evaluation, scored: int) -> int:
    """How many rows are left out because their label is the ignored one."""
    having = [s for s in context.specs if s.told("ignore_index") is not None]
    return max((scored - found.values[str(spec)].count for spec in having), default=0)


def _said_of_ignored(ignored: int, rows: int) -> str:
    return (
        f"{ignored} of {rows} rows have the ignored label and count in no average that ignores it"
    )


def _result(context: Context, spec: Spec, found: Evaluation, like: Batch) -> LossResult:
    name = str(spec)
    value = found.values[name]
    concentrated = found.concentration.get(name)
    interval: Json | None = None
    if value.interval is not None:
        trusted = concentrated is None or concentrated.trusted
        interval = {**asdict(value.interval), "trusted": trusted}
    gain = skill.of(value, found.references.get(name))
    top = None
    if found.worst is not None and found.worst.tops[name]:
        row = like.of_sample(found.worst.tops[name][0].sample)
        share = worst.share(context, spec, value, row)
        top = worst.of_loss(context, spec, found.worst, value, share)
    return LossResult(
        spec=name,
        name=spec.loss.name,
        label=spec.loss.label,
        params=params(spec.all_settings),
        reduction=spec.reduction.name,
        direction=spec.direction,
        value=value.value,
        status=value.status,
        reason=value.reason,
        n=value.count,
        interval=interval,
        no_interval=value.no_interval,
        skill=None if gain is None else {"value": gain, "reference": spec.loss.elicits},
        half=None if concentrated is None else concentrated.half,
        worst=top,
        penalty=context.penalty(spec),
        brief="" if spec.brief == spec.text else spec.brief,
    )


def params(settings: Mapping[str, Any]) -> Json:
    """Settings as JSON: infinities as text, nested losses as their text."""
    return {
        name: value if value is None or isinstance(value, bool | int | str)
        or (isinstance(value, float) and abs(value) != float("inf"))
        else list(value) if isinstance(value, tuple) else str(value)
        for name, value in settings.items()
    }  # fmt: skip


def _notes(context: Context) -> list[Note]:
    notes = conventions.notes(context.specs)
    for spec in context.specs:
        if spec.loss.note is not None:
            text = spec.loss.note(**spec.all_settings)
            if text:
                own = text if text.startswith(spec.loss.label) else f"{spec.brief}: {text}"
                notes.append(Note(spec.loss.label, own))
        penalty = context.penalty(spec)
        if penalty is not None:
            notes.append(
                Note(
                    "penalty",
                    f"{spec.brief}: {penalty:.6g} of it is the penalty, which no sample makes",
                )
            )
    if context.outputs > 1:
        means = [str(s) for s in context.specs if any(r.domain.shape == "value" for r in s.roles)]
        which = "every loss" if len(means) == len(context.specs) else " and ".join(means)
        verb = "is" if "and" not in which.split() else "are"
        text = f"{context.outputs} outputs: {which} {verb} the mean over them" + (
            "; root means are of all outputs together" if context.pooled else ""
        )
        notes.append(Note("outputs", text))
    return notes
