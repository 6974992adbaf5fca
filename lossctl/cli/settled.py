"""What a command is to do, from its options and what lies below them: the later layer wins.

Layers are the tables of a file and the environment (see `configured`); options lie over all.
Requirements accumulate: only one on the same quantity, in the same direction and of the same level
takes the place of an earlier one, and its source says so. Everything else is replaced as a whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lossctl.cli.scored import DEFAULTS
from lossctl.errors import UsageError, quoted
from lossctl.gates.requirement import EXAMPLES, Requirement, of_option
from lossctl.grammar import parse as loss_of
from lossctl.results import Note

if TYPE_CHECKING:
    from lossctl.config import Layer

OVER = ", over "
VARIABLE = "LOSSCTL_"  # begins the names of all variables
REQUIRING = tuple(f"{level}{kind}" for level in ("", "warn-") for kind in EXAMPLES)

# What changes no outcome: a note about it would hide those that count.
DISPLAY = ("format", "output", "export", "precision", "color", "quiet", "verbose", "threads",
           "block_rows", "spool_limit")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settled:
    """Every parameter's value, the requirements, and the sources of values that no option gave."""

    values: dict[str, Any]
    requirements: tuple[Requirement, ...]
    sources: dict[str, str]

    def notes(self) -> tuple[Note, ...]:
        """What files and the environment decide beside the requirements, and the requirements that
        took the place of others: a narrow table leaves their sources out.

        Where requirements come from elsewhere, what a file has to say about them stands out: a
        pull request may have brought the file.
        """
        elsewhere = any(one.source.startswith(("option", VARIABLE)) for one in self.requirements)
        told = [name for name in self.sources if name not in DISPLAY]
        told.sort(key=self.sources.__getitem__)
        sets = [
            Note("configured", f"{source} sets {', '.join(map(self._written, names))}",
                 warning=elsewhere and not source.startswith(VARIABLE))
            for source, names in groupby(told, key=self.sources.__getitem__)
        ]  # fmt: skip
        over = [Note("overridden", f"{one}: {one.source}")
                for one in self.requirements if OVER in one.source]  # fmt: skip
        return (*sets, *over)

    def _written(self, name: str) -> str:
        value = self.values[name]
        if isinstance(value, int):  # a switch is one, too
            return f"{_hyphened(name)} = {str(value).lower()}"
        texts = value if isinstance(value, list) else [value]
        return f"{_hyphened(name)} = {', '.join(quoted(one, 80) for one in texts)}"

    @contextlib.contextmanager
    def blamed(self, command: Callable[..., int]) -> Iterator[None]:
        """A usage error about an option that was not given names where its value stands."""
        try:
            yield
        except UsageError as problem:
            from lossctl.cli.plain import parameters_of

            about = problem.what.partition(" ")[0]
            for one in parameters_of(command):
                if about in getattr(one.declared, "names", ()) and one.name in self.sources:
                    said = f"{self.sources[one.name]}: {problem.what}"
                    raise UsageError(said, problem.fix) from None
            raise


def settled(options: Mapping[str, Any], layers: Sequence[Layer]) -> Settled:
    """What holds: an option over every layer, and of these the last. Raises UsageError for a text
    that is no requirement.

    An option that is not given is None, or False: no option takes back a switch.
    """
    values = {name: value for name, value in options.items() if _given(value)}
    sources: dict[str, str] = {}
    for layer in reversed(layers):
        for name, one in layer.items():
            if name not in values and _hyphened(name) not in REQUIRING:
                values[name], sources[name] = one.value, one.source
    stages = [
        {name: (one.value, one.source) for name, one in layer.items()} for layer in layers
    ]  # fmt: skip
    stages.append({name: (value, "option") for name, value in options.items() if _given(value)})
    standing: list[Requirement] = []
    for stage in stages:
        standing = _over(standing, _stated(stage))
    for name in options:
        values.setdefault(name, DEFAULTS.get(name, options[name]))
    return Settled(values, tuple(standing), sources)


def _hyphened(name: str) -> str:
    return name.replace("_", "-")


def _given(value: object) -> bool:
    return value is not None and value is not False


def _stated(stage: Mapping[str, tuple[Any, str]]) -> list[Requirement]:
    """The requirements of one layer. Raises UsageError, which names it."""
    found = []
    for option in REQUIRING:
        texts, source = stage.get(option.replace("-", "_"), ((), ""))
        for text in texts:
            try:
                found.append(of_option(option, text, source))
            except UsageError as problem:
                if source == "option":
                    raise
                raise UsageError(f"{source}: {problem}") from None
    return found


def _over(earlier: Sequence[Requirement], later: Sequence[Requirement]) -> list[Requirement]:
    """A layer over those below it: of what it replaces the source tells."""
    now = {_same(one) for one in later}
    gone = [(_same(one), _told(one)) for one in earlier]
    kept = [one for one in earlier if _same(one) not in now]
    for one in later:
        over = "".join(f"{OVER}{told}" for same, told in gone if same == _same(one))
        kept.append(replace(one, source=one.source + over))
    return kept


def _told(one: Requirement) -> str:
    """`LOSSCTL_MAX: 0.4, over lossctl.toml [check]: 0.3`."""
    first, over, rest = one.source.partition(OVER)
    return f"{first}: {one.limit_text}{over}{rest}"


def _same(one: Requirement) -> tuple[object, ...]:
    """Two requirements of which one replaces the other: one quantity however it is written, one
    direction, and one level, so that no warning takes the place of what blocks."""
    quantity = one.quantity
    statistic = quantity.function if quantity.percentile is None else quantity.percentile
    loss = str(loss_of(quantity.loss)) if quantity.loss else ""
    return (statistic, loss, quantity.beyond, frozenset(quantity.where),
            one.comparison[0], one.warning)  # fmt: skip
