"""The builds of `benchmarks.alarms`: what is drawn, and what is counted of each."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

import lossctl
from benchmarks.alarms_judging import HOWS, Bench, requirement
from benchmarks.alarms_models import (
    CLASSIFIERS,
    FIVE,
    KINDS,
    MARGINS,
    NUMBERS,
    RHOS,
    SIZES,
    Drawn,
    noise,
    scale,
    worse,
)
from lossctl.checks import Gate
from lossctl.gates.sequential import AHEAD, Look, Seen
from lossctl.plan import Plan
from lossctl.readers.memory import MemorySource
from lossctl.run import evaluate_plan

POWER_MARGINS = (0.0, 0.02, 0.05)
CURVE = 0.02  # the margin at which fewer standard errors are looked at, and builds of five
STEPS = (1.0, 2.0, 3.0)  # standard errors beyond the margin
LOOKS, FIRST, LAST = 20, 200, 4000  # looks at growing data, and the rows of the first and the last
WORSE = 1.1  # what one of the looks is to see
UNPAIRED_ROWS = 1000
ALL = "five"  # in place of a loss: a build of five

EQUAL, POWER, SEQUENTIAL, UNPAIRED = "equal", "power", "looks", "report"


class Key(NamedTuple):
    """One line: a loss (or all five), its margin, and how much worse the candidate is: by `k`
    standard errors of the ratio, its `own` or that of a model right at the margin."""

    loss: str
    margin: float
    k: float = 0.0
    own: bool = True


@dataclass(frozen=True)
class Cell:
    """What is drawn; `errors` are the standard errors of the ratio of equal models' losses."""

    part: str
    kind: str
    rho: float
    n: int
    errors: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        return f"{self.part} {self.kind} {self.rho:g} {self.n}"


Counts = dict[Key, Counter[str]]


def cells() -> list[Cell]:
    """All of them."""
    kinds = {EQUAL: (*NUMBERS, *CLASSIFIERS), POWER: NUMBERS, SEQUENTIAL: NUMBERS,
             UNPAIRED: NUMBERS[:1]}  # fmt: skip
    sizes = {EQUAL: SIZES, POWER: SIZES, SEQUENTIAL: (LAST,), UNPAIRED: (UNPAIRED_ROWS,)}
    return [
        Cell(part, kind.name, rho, n)
        for part in kinds for kind in kinds[part] for rho in RHOS for n in sizes[part]
    ]  # fmt: skip


def rng_of(cell: Cell, seed: int, number: int) -> np.random.Generator:
    """A generator for one build."""
    return np.random.default_rng([seed, zlib.crc32(cell.name.encode()), number])


def known(cell: Cell, seed: int, samples: int) -> Cell:
    """With the standard errors that say how much worse candidates are."""
    if cell.part != POWER:
        return cell
    rng = rng_of(cell, seed, 1 << 31)
    errors = noise(KINDS[cell.kind], cell.n, cell.rho, rng, samples)
    return Cell(cell.part, cell.kind, cell.rho, cell.n, errors)


def done(cell: Cell, seed: int, numbers: range) -> Counts:
    """What was seen in so many builds. The first is also given to `lossctl.check`."""
    seen: Counts = {}
    for number in numbers:
        drawn = KINDS[cell.kind].draw(rng_of(cell, seed, number), cell.n, cell.rho)
        for key, what in PARTS[cell.part](cell, drawn, number == numbers.start):
            seen.setdefault(key, Counter()).update(("runs", *what))
    return seen


@cache
def bench(kind: str) -> Bench:
    """What measures builds of one kind; each process makes its own."""
    found = KINDS[kind]
    return Bench(found.losses, found.options.get("task", "auto"))


def _losses(loss: str) -> tuple[str, ...]:
    return FIVE if loss == ALL else (loss,)


# --- equal models -----------------------------------------------------------------------------


def _equal(cell: Cell, drawn: Drawn, proven: bool) -> Iterator[tuple[Key, list[str]]]:
    kind, judge = KINDS[cell.kind], bench(cell.kind)
    (found,) = judge.measured(drawn.target, drawn.first, [(drawn.second, kind.losses)])
    for loss in (kind.losses[0], ALL)[: len(kind.losses)]:
        losses = _losses(loss)
        for margin in MARGINS:
            gates = {how: judge.gate(found, losses, margin, how) for how in HOWS}
            if proven:
                for how, gate in gates.items():
                    same(gate, drawn, drawn.second, losses, margin, how, kind.options)
            what = _said(gates[""])
            what += ["naive"] * (gates["naive"].status == 1)
            what += [how for how in ("allowed", "strict") if gates[how].status == 0]
            yield Key(loss, margin), what


def _said(gate: Gate) -> list[str]:
    """The exit status, and whether anything is violated."""
    return [str(gate.status), *["any"] * any(c.outcome == "violated" for c in gate.checks)]


def same(
    gate: Gate,
    drawn: Drawn,
    pred: np.ndarray,
    losses: Sequence[str],
    margin: float,
    how: str,
    options: Mapping[str, object],
) -> None:
    """Raises RuntimeError unless `lossctl.check` decides alike."""
    requirements = [requirement(loss, margin) for loss in losses]
    report = lossctl.check(pred, drawn.target, requirements, baseline=drawn.first, threads=1,
                           **options, **HOWS[how])  # fmt: skip
    assert report.gate is not None
    told = [[(g.status, g.outcome), *((c.outcome, c.value, c.p) for c in g.checks)]
            for g in (gate, report.gate)]  # fmt: skip
    if told[0] != told[1]:
        raise RuntimeError(f"lossctl.check decides otherwise: {told[1]}, not {told[0]}")


# --- regressions ------------------------------------------------------------------------------


def scales(cell: Cell) -> dict[Key, float | None]:
    """How many times as large the candidate's errors are, of every line. All five losses are beyond
    the margin by so many of their standard errors where mae and rmse are."""
    made: dict[Key, float | None] = {}
    last = STEPS[-1]
    for loss in ("mae", "rmse"):
        error = cell.errors[loss]
        for margin in POWER_MARGINS:
            made[Key(loss, margin, last)] = scale(margin, last, error, own=True)
        for k in STEPS[:-1]:
            made[Key(loss, CURVE, k)] = scale(CURVE, k, error, own=True)
        made[Key(loss, CURVE, last, False)] = scale(CURVE, last, error, own=False)
    largest = [made[Key(loss, CURVE, last)] for loss in ("mae", "rmse")]
    known = [one for one in largest if one is not None]
    made[Key(ALL, CURVE, last)] = max(known) if len(known) == len(largest) else None
    return made


def _regressed(cell: Cell, drawn: Drawn, proven: bool) -> Iterator[tuple[Key, list[str]]]:
    judge, lines = bench(cell.kind), scales(cell)
    wanted: dict[float, dict[str, None]] = {}
    for key, by in lines.items():
        if by is not None:
            wanted.setdefault(by, {}).update(dict.fromkeys(_losses(key.loss)))
    preds = {by: worse(drawn, by) for by in wanted}
    found = judge.measured(
        drawn.target, drawn.first, [(preds[by], list(losses)) for by, losses in wanted.items()]
    )
    at = dict(zip(wanted, found, strict=True))
    for key, by in lines.items():
        if by is None:
            continue
        losses = _losses(key.loss)
        gate = judge.gate(at[by], losses, key.margin)
        if proven:
            same(gate, drawn, preds[by], losses, key.margin, "", {})
        yield key, _said(gate)


# --- looks at growing data --------------------------------------------------------------------


def look(number: int) -> Seen:
    """The look of that number, counted from 1."""
    return Seen(Look(number * FIRST, "", "", 1), AHEAD * FIRST, number)


def _looked(cell: Cell, drawn: Drawn, proven: bool) -> Iterator[tuple[Key, list[str]]]:
    """In `k`: 0 of equal models, 1 of one that is worse."""
    judge = bench(cell.kind)
    for k, pred in ((0.0, drawn.second), (1.0, worse(drawn, WORSE))):
        caught: dict[tuple[float, str], int] = {}
        wanted = [(margin, how) for margin in (0.0, 0.02) for how in ("fixed", "sequential")]
        for number in range(1, LOOKS + 1):
            rows = slice(number * FIRST)
            (found,) = judge.measured(drawn.target[rows], drawn.first[rows],
                                      [(pred[rows], ("mae",))])  # fmt: skip
            for margin, how in [one for one in wanted if one not in caught]:
                seen = look(number) if how == "sequential" else None
                if judge.gate(found, ("mae",), margin, look=seen).status == 1:
                    caught[margin, how] = number
            if len(caught) == len(wanted):
                break
        for margin in (0.0, 0.02):
            what = [how for at, how in caught if at == margin]
            what += [f"{how} {number}" for (at, how), number in caught.items() if at == margin]
            yield Key("mae", margin, k), what


# --- a report as the baseline -----------------------------------------------------------------


def _unpaired(cell: Cell, drawn: Drawn, proven: bool) -> Iterator[tuple[Key, list[str]]]:
    """Half the widths of both intervals are added up in hundredths of a per cent."""
    text = requirement("mae", 0.0)
    sides = {"pred": drawn.first, "target": drawn.target}
    sources = {name: MemorySource(name, {name: values}) for name, values in sides.items()}
    told = evaluate_plan(Plan(**sources, losses=("mae",), threads=1, digest_targets=True))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        path.write_text(json.dumps(told.to_dict()), encoding="utf-8")
        what = []
        for how, baseline in (("paired", drawn.first), ("report", str(path))):
            report = lossctl.check(drawn.second, drawn.target, text, baseline=baseline, threads=1)
            assert report.gate is not None
            (check,) = report.gate.checks
            assert check.decides is not None
            what += [f"{how} {report.gate.status}"]
            what += [f"{how} width"] * round(1e4 * check.decides)
        yield Key("mae", 0.0), what


PARTS: Mapping[str, Callable[[Cell, Drawn, bool], Iterator[tuple[Key, list[str]]]]] = {
    EQUAL: _equal, POWER: _regressed, SEQUENTIAL: _looked, UNPAIRED: _unpaired,
}  # fmt: skip
