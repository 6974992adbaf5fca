"""What every command that scores files takes: how they are read, paired, scored and written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl.cli import options as o

if TYPE_CHECKING:
    from lossctl.cli.output import Destinations
    from lossctl.passes import Progress
    from lossctl.plan import Plan
    from lossctl.report import Note, Report


def _common(
    preds: o.Preds,
    targets: o.Targets = None,
    loss: o.Loss = None,
    task: o.Task = "auto",
    like: o.Like = None,
    reduction: o.Reduction = None,
    multioutput: o.Multioutput = "uniform_average",
    pred_col: o.PredCol = None,
    target_col: o.TargetCol = None,
    weight_col: o.WeightCol = None,
    id_col: o.IdCol = None,
    role: o.Role = None,
    from_logits: o.FromLogits = False,
    labels: o.Labels = None,
    positive: o.Positive = None,
    classes: o.ClassCount = None,
    ignore_index: o.IgnoreIndex = None,
    class_weight: o.ClassWeight = None,
    boxes: o.Boxes = None,
    layout: o.Layout = "BTC",
    on: o.On = None,
    by_row: o.ByRow = False,
    nan: o.Nan = "error",
    missing: o.Missing = "error",
    duplicates: o.Duplicates = "error",
    where: o.Where = None,
    input_format: o.InputFormat = None,
    encoding: o.Encoding = None,
    delimiter: o.Delimiter = None,
    no_header: o.NoHeader = False,
    format: o.Format = None,  # noqa: A002  the option's name
    output: o.Output = None,
    export: o.Export = None,
    precision: o.Precision = None,
    color: o.Color = "auto",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
    threads: o.Threads = None,
    block_rows: o.BlockRows = None,
    spool_limit: o.SpoolLimit = None,
) -> None:
    """The declarations alone: its signature is read, it is never called."""


@dataclass(frozen=True, slots=True)
class Given:
    """The values of the options that all have in common, by their names here, and whose they
    are."""

    options: dict[str, Any]
    command: str

    def having(self, **other: Any) -> Given:
        """The same with other values for some."""
        return Given({**self.options, **other}, self.command)

    def plan(self, **own: Any) -> Plan:
        """The plan that they make, with what is the command's own. Raises UsageError."""
        from lossctl.cli.reading import (
            block_rows_of,
            keys_of,
            label_of,
            read_options,
            roles_of,
            settings_of,
        )
        from lossctl.errors import UsageError
        from lossctl.plan import Plan

        told = self.options
        if told["nan"] == "propagate":
            raise UsageError("--nan is propagate", "it is one of error, drop")
        own = {"losses": tuple(told["loss"] or ())} | own
        as_they_are = ("reduction", "task", "positive", "classes", "pred_col", "target_col",
                       "weight_col", "id_col", "by_row", "nan", "missing", "duplicates",
                       "multioutput", "threads", "spool_limit")  # fmt: skip
        return Plan(
            pred=told["preds"],
            target=told["targets"],
            like=keys_of(told["like"] or [], "--like"),
            settings=settings_of(
                from_logits=told["from_logits"] or None,
                boxes=told["boxes"],
                balanced=True if told["class_weight"] == "balanced" else None,
            ),
            labels=keys_of([] if told["labels"] is None else [told["labels"]], "--labels"),
            ignore_index=label_of(told["ignore_index"]),
            on=keys_of(told["on"] or []),
            where=tuple(told["where"] or ()),
            roles=roles_of(told["role"] or [], told["class_weight"]),
            read=read_options(
                told["input_format"],
                told["encoding"],
                told["delimiter"],
                told["no_header"],
                told["layout"],
            ),
            processes=True,
            block_rows=block_rows_of(told["block_rows"]),
            **{name: told[name] for name in as_they_are},
            **own,
        )

    def destinations(
        self, *, score_only: bool = False, inputs: Sequence[Any] = (), **other: Any
    ) -> Destinations:
        """Where results go, as the options say, but for `other`; never over one of the files that
        are read, `inputs` among them."""
        from lossctl.cli.output import Destinations

        told = self.options | other
        return Destinations.of(
            format=told["format"],
            output=told["output"],
            exports=told["export"] or [],
            score_only=score_only,
            precision=told["precision"],
            color=told["color"],
            inputs=[told["preds"], told["targets"], *inputs],
            command="eval" if self.command == "evaluate" else self.command,
        )

    def run(
        self,
        answer: Callable[[Plan, Progress | None], Report],
        *,
        score_only: bool = False,
        beside: str = "",
        inputs: Sequence[Any] = (),
        notes: Sequence[Note] = (),
        **own: Any,
    ) -> int:
        """Carry the plan out, and write the report to where the options say: the exit status.
        `beside` is what was asked for that stands in no table of losses; `notes` are said too."""
        from lossctl.cli import startup
        from lossctl.cli.progress import Progress

        destinations = self.destinations(score_only=score_only, inputs=inputs)
        own = {"keep_state": destinations.has("state"),
               "digest_targets": destinations.has("json")} | own  # fmt: skip
        plan = self.plan(**own)
        startup.done()

        def report() -> Report:
            with Progress(quiet=self.options["quiet"]) as progress:
                return answer(plan, progress)

        return self._written(report, destinations, beside, notes)

    def write(
        self,
        answer: Callable[[], Report],
        *,
        inputs: Sequence[Any] = (),
        notes: Sequence[Note] = (),
    ) -> int:
        """Write a report that needs no plan, likewise."""
        return self._written(answer, self.destinations(inputs=inputs), "", notes)

    def _written(
        self,
        answer: Callable[[], Report],
        destinations: Destinations,
        beside: str,
        notes: Sequence[Note],
    ) -> int:
        from dataclasses import replace
        from time import perf_counter

        told = self.options
        started = perf_counter()
        report = answer()
        if notes:
            report = replace(report, notes=(*report.notes, *notes))
        destinations.write(report, quiet=told["quiet"])
        if beside and not told["quiet"]:
            destinations.say_left_out(beside)
        if told["verbose"]:
            destinations.say_how(report, perf_counter() - started)
        return 0 if report.gate is None else report.gate.status


Command: TypeAlias = Callable[..., int]
FILES = ("preds", "targets")


_SHARED = inspect.signature(_common).parameters
DEFAULTS = {name: one.default for name, one in _SHARED.items() if isinstance(one.default, str)}


def scored(*, without: Collection[str] = (), unset: bool = False) -> Callable[[Command], Command]:
    """Makes `command(given, own options)` a command of the program, which takes the common options
    too, but those in `without`. Its own stand after the files.

    With `unset` a text that is not given is None instead of its default, which `DEFAULTS` has: the
    command looks elsewhere first. A switch is False then too, for no option takes one back.
    """
    return lambda command: _called(command, without, unset)


def _called(command: Command, without: Collection[str], unset: bool) -> Command:
    def called(**told: Any) -> int:
        mine = {name: value for name, value in told.items() if name in own}
        common = {name: told.get(name, one.default) for name, one in shared.items()
                  if name not in own}  # fmt: skip
        return command(Given(common, command.__name__), **mine)

    shared = {name: one.replace(default=None) if unset and name in DEFAULTS else one
              for name, one in _SHARED.items()}  # fmt: skip
    own = dict(list(inspect.signature(command).parameters.items())[1:])
    kept = [one for one in shared.values() if one.name not in without]
    files = [one for one in kept if one.name in FILES]
    parameters = [*files, *own.values(), *(one for one in kept if one.name not in FILES)]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect looks for it
    called.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": "int"}
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__module__ = command.__module__
    called.scope = command.__globals__  # type: ignore[attr-defined]  # see `hints_of`
    return called
