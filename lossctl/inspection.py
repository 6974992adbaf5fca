"""How files are read: a dry run of `eval` that reads every column and scores nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Ragged
from lossctl.choose import Wish, candidate, guess
from lossctl.errors import DataError, LossctlError, UsageError, quoted
from lossctl.exact import ONE, Exact, exact_sum, ratio
from lossctl.plan import Plan
from lossctl.readers import open_source
from lossctl.readers.source import Cells, Column, ReadOptions, Rows, Source, Wanted
from lossctl.sequences import is_text
from lossctl.tasks import decide

_LIKE_A_NUMBER = re.compile(r"\s*[+\-$€£]?[.,]?\d")
BLOCK_ROWS = 1 << 15


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column, read from end to end."""

    number: int  # from 1
    name: str
    kind: str
    type: str
    values: int  # cells (list columns: elements) that hold a finite number, or a text
    missing: int
    nan: int
    infinite: int
    sum: int | float | None  # exact, rounded once; whole sums as integers
    min: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file."""

    path: str
    format: str
    details: dict[str, str]
    rows: int
    columns: tuple[ColumnFacts, ...]
    chosen: dict[str, str]  # role -> the column that eval would take, or why it would not


@dataclass(frozen=True, slots=True)
class Inspection:
    """One or two files, and how the two would align."""

    files: tuple[FileFacts, ...]
    alignment: tuple[str, ...] = ()
    task: str = ""  # what eval would take the files to be about, or why it would not


def inspect_files(
    paths: Sequence[str],
    on: Sequence[str],
    options: ReadOptions,
    progress: Callable[[int, int | None], None] | None = None,
) -> Inspection:
    """Read the files whole. Raises DataError for whatever `eval` would refuse in them."""
    if len(paths) > 2:
        raise UsageError(f"{len(paths)} files are given", "inspect takes one, or two that pair")
    if list(paths).count("-") > 1:
        raise UsageError("standard input is given more than once", "give a file for all but one")
    texts: list[dict[str, Any]] = []
    files, sources = [], []
    for place, path in enumerate(paths):
        source = open_source(path, options)
        sources.append(source)
        try:
            roles = ("pred", "target") if len(paths) == 1 else (("pred", "target")[place],)
            facts, held = _facts(source, roles, progress, keep=len(paths) == 2)
        finally:
            source.close()
        files.append(facts)
        texts.append(held)
    alignment = _alignment(files, texts, on) if len(files) == 2 else ()
    return Inspection(tuple(files), alignment, _task(sources))


def _task(sources: Sequence[Source]) -> str:
    plan = Plan(sources[0].path, sources[1].path if len(sources) > 1 else None)
    try:
        found = decide(plan, sources[0], sources[1] if len(sources) > 1 else None)
    except LossctlError as problem:
        return str(problem)
    more = f"; {found.perhaps}, should they be probabilities" if found.perhaps else ""
    return f"{found.task} ({found.why}{more})"


class _Tally:
    """What is known of one column so far."""

    def __init__(self) -> None:
        self.values = self.missing = self.nan = self.infinite = 0
        self.total: Exact = 0
        self.low: Any = None
        self.high: Any = None

    def add(self, cells: Cells) -> None:
        values: Any = cells.values
        if cells.missing is not None:
            self.missing += int(cells.missing.sum())
        if isinstance(values, Ragged) and is_text(values):
            self.values += len(values) - (0 if cells.missing is None else int(cells.missing.sum()))
            return
        if isinstance(values, Ragged):
            values = values.values
        elif not isinstance(values, np.ndarray):
            self.values += len(values) - values.null_count
            return
        elif cells.missing is not None:
            values = values[~cells.missing]
        finite = values
        if values.dtype.kind == "f":
            good = np.isfinite(values)
            if not good.all():
                nan = int(np.isnan(values).sum())
                self.nan += nan
                self.infinite += int(values.size - good.sum()) - nan
                finite = values[good]
        if not finite.size:
            return
        self.values += int(finite.size)
        self.total += _exact_total(finite)
        low, high = finite.min().item(), finite.max().item()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def sum(self) -> int | float | None:
        if self.low is None:
            return None
        if self.total % ONE == 0:
            return self.total // ONE
        try:
            return ratio(self.total, ONE)
        except OverflowError:  # beyond float64: the whole part, which integers can say
            return self.total // ONE


def _exact_total(values: Any) -> Exact:
    if values.dtype.kind == "f":
        return exact_sum(values)
    top = (values >> 32).astype(np.float64)
    bottom = (values & values.dtype.type(0xFFFFFFFF)).astype(np.float64)
    return exact_sum(top, 32) + exact_sum(bottom)


def _facts(
    source: Source,
    roles: Sequence[str],
    progress: Callable[[int, int | None], None] | None,
    *,
    keep: bool,
) -> tuple[FileFacts, dict[str, Any]]:
    wanted = [
        want
        for place, column in enumerate(source.columns)
        if (want := _wanted(place, column, source.format)) is not None
    ]
    shared = [
        Wanted(place, "text")
        for place, column in enumerate(source.columns)
        if keep and column.kind == "integer" and column.width is None
    ]
    tallies = [_Tally() for _ in wanted]
    held: dict[str, list[Any]] = {}
    firsts: dict[int, str] = {}
    rows = count = 0
    every = [*wanted, *shared]
    # Arrays of unlike lengths are read one by one.
    alone = source.format == "npz" and source.rows is None
    for part in [[place] for place in range(len(every))] if alone else [[*range(len(every))]]:
        count = 0 if part else sum(block.count for block in source.blocks([], BLOCK_ROWS))
        rows = max(rows, count)
        for block, place in _cells(source, every, part):
            want, cells = every[place], block.cells[part.index(place)]
            count += block.count if place == part[0] else 0
            rows = max(rows, count)
            if place < len(wanted):
                tallies[place].add(cells)
            if want.kind == "text":
                if keep:
                    held.setdefault(source.columns[want.index].name, []).append(cells.values)
                if want.index not in firsts and source.columns[want.index].kind != "integer":
                    first = next((text for text in _texts(cells) if text), None)
                    if first is not None:
                        firsts[want.index] = first
            if progress is not None:
                progress(rows, source.rows)
    if not rows:
        raise DataError(f"{source.path} has no rows")
    _like_numbers(source, firsts)
    by_index = {want.index: tally for want, tally in zip(wanted, tallies, strict=True)}
    columns = tuple(
        _column(place, column, by_index.get(place)) for place, column in enumerate(source.columns)
    )
    facts = FileFacts(
        source.path, source.format, dict(source.details), rows, columns,
        {role: _chosen(source, role) for role in roles},
    )  # fmt: skip
    return facts, held


def _cells(
    source: Source, every: Sequence[Wanted], part: Sequence[int]
) -> Iterator[tuple[Rows, int]]:
    """Each block with each of its columns."""
    for block in source.blocks([every[place] for place in part], BLOCK_ROWS):
        for place in part:
            yield block, place


def _texts(cells: Cells) -> list[str | None]:
    values: Any = cells.values
    return list(values.slice(0, 100).to_pylist())


def _wanted(place: int, column: Column, form: str) -> Wanted | None:
    """How a column is read: as numbers where it is made of them. A text file's true is a text."""
    written = column.kind == "boolean" and form in ("csv", "tsv")
    if column.kind == "text" or written or (column.kind == "other" and column.type == "binary"):
        return Wanted(place, "text")
    return None if column.kind == "other" else Wanted(place, "number")


def _like_numbers(source: Source, firsts: dict[int, str]) -> None:
    """Refuse a file whose only hope of a number is a text that begins like one: 12ö4, 1.234,5."""
    if any(candidate(column) or column.kind == "boolean" for column in source.columns):
        return
    for place, text in firsts.items():
        if _LIKE_A_NUMBER.match(text):
            name = source.columns[place].name
            raise DataError(
                f"{source.path}: column {quoted(name)} holds {quoted(text)}, which begins like a "
                "number but is not one, and no column holds numbers",
                source.details.get("hint") or "write numbers as 1234.5",
            )


def _column(place: int, column: Column, tally: _Tally | None) -> ColumnFacts:
    tally = tally or _Tally()
    return ColumnFacts(
        place + 1, column.name, column.kind, column.type or column.kind, tally.values,
        tally.missing, tally.nan, tally.infinite, tally.sum(), tally.low, tally.high,
    )  # fmt: skip


def _chosen(source: Source, role: str) -> str:
    """The columns that a role would be guessed from, or why there are none."""
    try:
        places = guess(source, role, f"--{role}-col", (), Wish(else_kinds=_DEEP, several=True))
    except LossctlError as problem:
        return str(problem)
    names = [source.columns[place].name for place in places]
    return (names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}") or "the only column"


_DEEP = ("text", "words", "vectors")


def _alignment(
    files: Sequence[FileFacts], held: Sequence[dict[str, Any]], on: Sequence[str]
) -> tuple[str, ...]:
    """How two files pair, in sentences."""
    first, second = files
    said = []
    if first.rows == second.rows:
        said.append(f"by row: {first.rows} rows each")
    else:
        said.append(
            f"by row: no, {first.path} has {first.rows} rows and {second.path} {second.rows}"
        )
    names = [name for name in held[0] if name and name in held[1]]
    chosen = {facts.chosen.get(role) for facts in files for role in facts.chosen}
    for name in on:
        if name not in names:
            raise UsageError(f"--on {name}: both files must have that column, as text or integers")
    if len(on) > 1:
        joint = [list(zip(*(_joined(side[name]) for name in on), strict=True)) for side in held]
        said.append(_pairing(",".join(on), *joint))
    said += [
        _pairing(name, _joined(held[0][name]), _joined(held[1][name]))
        for name in on or [name for name in names if name not in chosen]
    ]
    return tuple(said)


def _joined(parts: list[Any]) -> list[str | None]:
    return [text for part in parts for text in part.to_pylist()]


def _pairing(name: str, left: Sequence[Any], right: Sequence[Any]) -> str:
    if left == right:
        return f"{name}: the same in every row"
    pairs = enumerate(zip(left, right, strict=False))
    row = next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))
    one_side, other = set(left), set(right)
    repeats = len(left) - len(one_side) + len(right) - len(other)
    text = f"{name}: differs from row #{row}"
    if repeats:
        return text + f"; {repeats} keys are repeated, so it cannot pair them as it is"
    both = len(one_side & other)
    alone = len(one_side ^ other)
    if not both:
        return text + "; no key is in both files"
    rest = f", {alone} without a partner" if alone else ""
    return text + f"; --on {name} pairs {both} rows{rest}"
