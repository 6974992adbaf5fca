"""The question of one run: everything that determines its numbers, and how to carry it out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lossctl.errors import UsageError
from lossctl.grouping import Grouping
from lossctl.readers.source import ReadOptions, Source

if TYPE_CHECKING:
    from lossctl.grammar import Common
    from lossctl.spec import Spec


@dataclass(frozen=True, slots=True)
class RoleInput:
    """A role bound by hand: `NAME=FILE[:COLUMNS]`."""

    role: str
    source: str | Source
    columns: str | None = None


# Columns that samples of several models share.
NOT_NAMES = ("row", "target_row", "id", "target", "label", "weight", "rank")


@dataclass(frozen=True, slots=True)
class Contender:
    """One of several models: what it is called, and where its predictions are."""

    name: str
    pred: str | Source
    columns: str | None = None  # as `pred_col`

    def __post_init__(self) -> None:
        if self.name in NOT_NAMES:
            raise UsageError(f"a model cannot be called {self.name}: samples have that column",
                             "NAME=PREDS gives it another name")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What to score against what, and how. Paths, or sources that are open already.

    Of several `models` the first is the reference, and `pred` and `pred_col` are its own.
    """

    pred: str | Source
    target: str | Source | None = None
    models: tuple[Contender, ...] = ()
    losses: tuple[str, ...] = ()
    reduction: str | None = None
    task: str = "auto"
    like: tuple[str, ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()  # for all losses that have them
    labels: tuple[str, ...] = ()
    positive: str | None = None
    classes: int | None = None
    ignore_index: int | None = None
    pred_col: str | None = None
    target_col: str | None = None
    weight_col: str | None = None
    id_col: str | None = None
    on: tuple[str, ...] = ()
    by_row: bool = False
    nan: str = "error"
    missing: str = "error"
    duplicates: str = "error"
    where: tuple[str, ...] = ()
    roles: tuple[RoleInput, ...] = ()
    by: tuple[Grouping, ...] = ()
    beside: tuple[str, ...] = ()  # losses whose columns are read and checked, and not scored
    units: tuple[tuple[str, str], ...] = ()  # columns that say which rows depend on each other
    show: tuple[str, ...] = ()  # further columns that travel with the rows
    carry_all: bool = False  # every column that plays no role does
    outliers: str = "mad"
    decompose: bool = False
    multioutput: str = "uniform_average"
    read: ReadOptions = field(default_factory=ReadOptions)
    first_row: int = 0  # the number of the first row, of a part of the rows
    keep_state: bool = False  # what other parts can be joined with is wanted, too
    digest_targets: bool = False  # what tells whether another run is of the same targets, too
    # what changes no number
    top: int = 10
    full: bool = True
    threads: int | None = None
    processes: bool = False  # whether others may score: only a program knows what a copy of it does
    block_rows: int | None = None
    spool_limit: int | None = None

    @property
    def workers(self) -> int:
        """How many may work at once: the processor's cores, but at most four, if nobody says."""
        return self.threads or min(4, os.cpu_count() or 1)

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("--nan", self.nan, ("error", "drop", "propagate")),
            ("--missing", self.missing, ("error", "drop")),
            ("--duplicates", self.duplicates, ("error", "first", "last")),
            ("--multioutput", self.multioutput, ("uniform_average", "pooled")),
            ("--outliers", self.outliers, ("mad", "iqr", "adjusted", "esd")),
        ):
            if value not in allowed:
                raise UsageError(f"{name} is {value}", f"it is one of {', '.join(allowed)}")
        for name, number, least in (
            ("--top", self.top, 0),
            ("--first-row", self.first_row, 0),
            ("--threads", self.threads, 1),
            ("--block-rows", self.block_rows, 1),
            ("--spool-limit", self.spool_limit, 0),
            ("--classes", self.classes, 1),
        ):
            if number is not None and number < least:
                raise UsageError(f"{name} is {number}", f"it must be at least {least}")
        for name, text in (("--id-col", self.id_col), ("--weight-col", self.weight_col)):
            if text == "":
                raise UsageError(f"{name} is empty", "name a column, or give its number")
        if not self.on and (self.missing, self.duplicates) != ("error", "error"):
            raise UsageError("--missing and --duplicates are about keys", "--on KEY names the key")
        if self.labels and self.positive is not None:
            raise UsageError("--labels and --positive exclude each other",
                             "the second of two --labels counts as 1")  # fmt: skip
        if self.on and self.by_row:
            raise UsageError("--on and --by-row exclude each other")
        # One file may hold the columns of several models.
        preds = any(source == "-" for source in (self.pred, *(one.pred for one in self.models)))
        piped = [self.target, *(role.source for role in self.roles)]
        if preds + sum(source == "-" for source in piped) > 1:
            raise UsageError(
                "standard input is given more than once", "give a file for all but one"
            )

    def specs(self, losses: tuple[str, ...], common: Common) -> tuple[Spec, ...]:
        """The losses, parsed: those asked for, or those given as the default; one of each for
        every library of `like`."""
        from lossctl.grammar import parse_all
        from lossctl.reductions import REDUCTIONS

        if self.reduction is not None and self.reduction not in REDUCTIONS:
            raise UsageError(
                f"no reduction is called {self.reduction}", f"it is one of {', '.join(REDUCTIONS)}"
            )
        chosen = self.losses or losses
        if not self.like:
            specs = tuple(parse_all(chosen, common))
        else:
            specs = self._like_peers(chosen, common)
        if self.reduction is not None and all(s.reduction.name != self.reduction for s in specs):
            names = ", ".join(spec.loss.label for spec in specs)
            raise UsageError(f"no loss here is reduced by {self.reduction}: {names}")
        return specs

    def _like_peers(self, losses: tuple[str, ...], common: Common) -> tuple[Spec, ...]:
        """Each loss by the conventions of each library that has it; losses that none has stay as
        they are in a default set."""
        from lossctl.grammar import parse_all
        from lossctl.loss import PEERS

        for peer in self.like:
            if peer not in PEERS:
                raise UsageError(f"--like {peer}: no such library", f"one of {', '.join(PEERS)}")
        found: dict[str, Spec] = {}
        for own in parse_all(losses, common):
            having = [peer for peer in self.like if peer in own.loss.peers]
            if own.like is None and not having and self.losses:
                own.loss.preset(self.like[0])  # raises, saying who has it
            for peer in having if own.like is None else []:
                again = parse_all([own.brief], replace(common, like=peer))[0]
                found.setdefault(str(again), again)
            if own.like is not None or not having:
                found.setdefault(str(own), own)
        return tuple(found.values())

    def signature(self, rows: int | None, digest: str | None, version: str) -> str:
        """What two equal numbers share: how rows were paired and dropped, the data, the version;
        without `rows` and `digest` what the states of several parts share."""
        parts = [f"on:{'+'.join(self.on) or 'row'}", f"nan:{self.nan}"]
        if self.on:
            parts += [f"missing:{self.missing}", f"duplicates:{self.duplicates}"]
        parts += [f"where:{condition}" for condition in self.where]
        if self.ignore_index is not None:
            parts.append(f"ignore:{self.ignore_index}")
        if self.weight_col is not None:
            parts.append(f"weight:{self.weight_col}")
        if self.multioutput != "uniform_average":
            parts.append(f"outputs:{self.multioutput}")
        if rows is not None:
            parts.append(f"n:{rows}")
        if digest is not None:
            parts.append(f"data:{digest[:16]}")
        return "|".join([*parts, f"v:{version}"])


def role_input(text: str) -> RoleInput:
    """`NAME=FILE[:COLUMNS]` parsed. The name is of letters, digits and `_.-`; columns stand after
    the last colon, unless a file of the whole name exists."""
    import re
    from pathlib import Path

    match = re.match(r"([\w.-]+)=(.+)", text)
    if match is None:
        raise UsageError(f"--role {text} is not NAME=FILE[:COLUMNS]")
    name, file = match.groups()
    head, colon, columns = file.rpartition(":")
    if not colon or Path(file).exists():
        return RoleInput(name, file)
    return RoleInput(name, head, columns)
