"""The answer of one run: pure data, versioned, with no opinion on how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from lossctl.charts import Chart as Chart
from lossctl.charts import Series as Series
from lossctl.charts import chart_data, chart_from
from lossctl.checks import Check as Check
from lossctl.checks import Gate as Gate
from lossctl.errors import inert
from lossctl.results import LossResult as LossResult
from lossctl.results import Note as Note
from lossctl.results import Part as Part
from lossctl.results import Worst as Worst
from lossctl.results import WorstRow as WorstRow
from lossctl.tables import Column as Column
from lossctl.tables import Json as Json
from lossctl.tables import Kind as Kind
from lossctl.tables import Table as Table
from lossctl.tables import flat, table_data, table_from

if TYPE_CHECKING:
    import pandas

SCHEMA = 1
LONGEST = 40  # characters of a name inside a sentence
SIDES = ("pred", "mean", "target", "label")  # the inputs that come first
TRUTH = ("target", "label")
ASIDE = ("weight", "input_length", "batch", "centers", "class_vectors", "class_weight",
         "parameters", "train")  # inputs that a title leaves out  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What `eval` found. `to_dict` is the JSON report; renderers draw it."""

    lossctl: str
    command: str
    task: str
    signature: str
    inputs: Json
    rows: Json
    losses: tuple[LossResult, ...]
    worst: Worst | None = None
    parts: tuple[Part, ...] = ()
    notes: tuple[Note, ...] = ()
    finding: str = ""
    table: Table | None = None  # what a command other than `eval` has to say, row by row
    shown: tuple[Table, ...] = ()  # what people see of it instead
    models: tuple[Json, ...] = ()  # of several models: name, columns, rows that it leaves out
    gate: Gate | None = None  # of `check`: the requirements, and what became of each
    targets: str | None = None  # a digest of the targets: what a baseline is compared by
    about: Json | None = None  # of a baseline: when and why it was made, and those before it
    state: str | None = None  # what the states of other parts can be joined with, as a file's text
    schema: int = field(default=SCHEMA)

    @property
    def title(self) -> str:
        """What was scored against what, in words."""
        if self.models:
            return _title_of_models(self)
        parts = [" against ".join(_sides(self.inputs))]
        if self.task not in ("custom", "auto"):
            parts.append(self.task)
        read = max(self.rows["read"].values(), default=self.rows["scored"])
        parts.append(f"{self.rows['scored']} of {read} rows scored")
        return " · ".join(parts)

    def __iter__(self) -> Iterator[LossResult]:
        return iter(self.losses)

    def __contains__(self, spec: object) -> bool:
        return any(spec in (one.spec, one.label, one.name) for one in self.losses)

    def __getitem__(self, spec: str) -> LossResult:
        """The result of one loss, by its spec, label or name."""
        for result in self.losses:
            if spec in (result.spec, result.label, result.name):
                return result
        raise KeyError(spec)

    def to_dict(self) -> Json:
        """The report as JSON-ready data: schema 1."""
        data: Json = {"schema": self.schema}
        apart = ["schema", "parts", "worst", "table", "shown", "gate", "state"]
        apart += ["models"] * (not self.models) + ["about"] * (self.about is None)
        for name in (f.name for f in fields(self) if f.name not in apart):
            data[name] = _plain(getattr(self, name))
        data["worst"] = _plain(self.worst)
        if self.gate is not None:
            values = {one.requirement: one.value for one in self.gate.checks}
            data["gate"] = {**_plain(self.gate), "values": values}  # for who tracks numbers
        if self.table is not None:
            data["table"] = table_data(self.table)
        if self.shown:
            data["shown"] = [table_data(table) for table in self.shown]
        data["parts"] = {part.name: _part_data(part) for part in self.parts}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """The report that `to_dict` wrote. Raises ValueError for another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema {data.get('schema')} is not {SCHEMA}")
        worst = data["worst"]
        plain = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        plain["table"] = table_from(data.get("table"))
        plain["models"] = tuple(data.get("models", ()))
        plain["gate"] = Gate.from_dict(data.get("gate"))
        plain["shown"] = tuple(
            table for one in data.get("shown", ()) if (table := table_from(one)) is not None
        )
        known = {field.name for field in fields(LossResult)}  # later versions may add others
        plain["losses"] = tuple(
            LossResult(**{name: value for name, value in result.items() if name in known})
            for result in data["losses"]
        )
        plain["notes"] = tuple(Note(**note) for note in data["notes"])
        plain["worst"] = worst and Worst(
            worst["by"], tuple(WorstRow(**row) for row in worst["rows"])
        )
        plain["parts"] = tuple(_part(name, part) for name, part in data["parts"].items())
        return cls(**plain)

    def to_json(self) -> str:
        """Strict JSON (no NaN), two spaces of indentation."""
        import json

        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> pandas.DataFrame:
        """The losses as a DataFrame, one row each, indexed by spec."""
        from lossctl.frames import losses_frame

        return losses_frame(self)

    def __repr__(self) -> str:
        from lossctl.renderers.text import render

        return render(self, width=100)

    def _repr_html_(self) -> str:
        from lossctl.renderers.html import render

        return render(self)

    # --- tables, for renderers ----------------------------------------------------------------

    def records(self) -> list[Json]:
        """The table of the command as flat rows of fixed columns: what tsv, csv and jsonl hold; of
        `eval` the losses."""
        if self.table is not None:
            return [flat(self.table.columns, row) for row in self.table.rows]
        return [_record(result) for result in self.losses]

    @property
    def record_columns(self) -> tuple[str, ...]:
        """The names of those columns."""
        if self.table is None:
            return RECORD_COLUMNS
        empty = (None,) * len(self.table.columns)
        return tuple(flat(self.table.columns, empty))

    def tables(self) -> list[Table]:
        """What the screen shows first, in its order."""
        own = self.shown or (self.table,)
        found = [self.losses_table() if self.losses else None, *own, self.worst_table()]
        return [table for table in found if table is not None and not table.aside]

    def losses_table(self) -> Table:
        """The first table of the screen."""
        columns = (
            Column("loss", "text"),
            Column("value", "value"),
            Column("95 % interval", "interval", 2),
            Column("skill", "skill", 3),
            Column("worst row", "worst", 1),
            Column("half of it in", "half", 4),
        )
        rows = []
        for result in self.losses:
            half = None if result.half is None else {"count": result.half, "of": result.n}
            shown: Any = result.value if result.status == "ok" else result.status
            if not result.n:
                shown = "n/a"
            skill = None if result.skill is None else result.skill["value"]
            rows.append((result.title, shown, result.interval, skill, result.worst, half))
        used = [place for place in range(len(columns))
                if place < 2 or any(row[place] is not None for row in rows)]  # fmt: skip
        return Table(
            tuple(columns[place] for place in used),
            tuple(tuple(row[place] for place in used) for row in rows),
        )

    def worst_table(self) -> Table | None:
        """The second table: the worst samples, their share under every loss, and without them."""
        if self.worst is None or not self.worst.rows:
            return None
        by, rows = self.worst.by, self.worst.rows
        roles = list(rows[0].values)
        shared = [spec for spec in rows[0].shares if any(r.shares[spec] is not None for r in rows)]
        shared = _unlike(sorted(shared, key=lambda spec: spec != by), rows)
        without = _headline(list(rows[0].without), by)
        columns = [Column("who makes it", "row")]
        columns += [
            Column(role, "signed" if role == "residual" else "data", 0 if index < 3 else 60 + index)
            for index, role in enumerate(roles)
        ]
        bars = [Column(" ", "bar", 30)] if by in shared else []
        called = {result.spec: result.title for result in self.losses}
        shares = [Column(called.get(spec, spec), "share", 10 + place if place else 0)
                  for place, spec in enumerate(shared)]  # fmt: skip
        columns += [*shares[:1], *bars, *shares[1:]]
        columns += [
            Column(f"{called.get(spec, spec)} without", "change", 2 if not index else 40 + index)
            for index, spec in enumerate(without)
        ]
        now = {result.spec: result.value for result in self.losses}
        cells = []
        for row in rows:
            name = row_name(row.row, row.id)
            fractions = [row.shares[spec] for spec in shared]
            drawn = fractions[:1] if bars else []
            line = [name, *row.values.values(), *fractions[:1], *drawn, *fractions[1:]]
            line += [change(row.without[spec], now[spec]) for spec in without]
            cells.append(tuple(line))
        return Table(tuple(columns), tuple(cells))


def _title_of_models(report: Report) -> str:
    """`2 models on 442 rows of target.csv[target] · regression · reference: ridge`; of a gate the
    candidate and its baseline."""
    truth = [named(given) for role, given in report.inputs.items() if role in TRUTH]
    count = report.rows["scored"]
    models = f"{len(report.models)} models"
    if report.command == "check":
        models = " over ".join(named(one) for one in report.models[::-1])
    rows = f"{models} on {count} row{'s' * (count != 1)}"
    parts = [f"{rows} of {truth[0]}" if truth else rows]
    if report.task not in ("custom", "auto"):
        parts.append(report.task)
    if report.command == "check":
        return " · ".join(parts)
    return " · ".join([*parts, f"reference: {report.models[0]['name']}"])


def _sides(inputs: Mapping[str, Any]) -> list[str]:
    """What is predicted and what is true: the columns of each file once."""
    sides: list[str] = []
    for true in (False, True):
        held: dict[str, list[str]] = {}
        for role, given in inputs.items():
            if role not in ASIDE and (role in TRUTH) is true:
                columns = held.setdefault(given["path"], [])
                columns += [name for name in given["columns"] if name not in columns]
        sides += [named({"path": path, "columns": names}) for path, names in held.items()]
    return list(dict.fromkeys(sides))


def _headline(specs: list[str], by: str) -> list[str]:
    """RMSE first (it is in the target's unit), then the leading loss, then all."""
    first = [spec for spec in specs if spec.startswith("rmse")] + [by]
    return list(dict.fromkeys([*(s for s in first if s in specs), *specs]))


def _unlike(specs: list[str], rows: Sequence[WorstRow]) -> list[str]:
    """The specs without those whose shares repeat an earlier one's (the RMSE's are the MSE's)."""
    seen: dict[tuple[float | None, ...], str] = {}
    for spec in specs:
        seen.setdefault(tuple(row.shares[spec] for row in rows), spec)
    return list(seen.values())


def change(value: float | None, now: float | None) -> Json | None:
    """A value and its change from what it is now, as tables hold it."""
    if value is None or now is None:
        return None
    return {"value": value, "change": (value - now) / abs(now) if now else None}


def _record(result: LossResult) -> Json:
    interval, worst, skill = result.interval or {}, result.worst or {}, result.skill or {}
    return {
        "loss": result.spec,
        "value": result.value,
        "status": result.status,
        "n": result.n,
        "low": interval.get("low"),
        "high": interval.get("high"),
        "skill": skill.get("value"),
        "half": result.half,
        "worst_row": worst.get("row"),
        "worst_id": worst.get("id"),
        "worst_share": worst.get("share"),
        "reduction": result.reduction,
        "trusted": interval.get("trusted"),
        "reason": result.reason,
    }


RECORD_COLUMNS = tuple(_record(LossResult("", "", "", {}, "", "", None, "ok", None, 0)))


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value


def _part_data(part: Part) -> Json:
    data = {"text": part.text, **part.data, "table": table_data(part.table)}
    charts = [chart_data(chart) for chart in part.charts]
    return {**data, "charts": charts} if charts else data


def _part(name: str, data: Mapping[str, Any]) -> Part:
    made = table_from(data["table"])
    rest = {key: value for key, value in data.items() if key not in ("text", "table", "charts")}
    charts = tuple(chart_from(chart) for chart in data.get("charts", ()))
    return Part(name, data["text"], rest, made, charts)


def row_name(row: int, identity: str | None) -> str:
    """`#17`, or the row's id, where it has one."""
    return identity or f"#{row}"


def said_name(row: int, identity: str | None) -> str:
    """The name of a row inside a sentence: nothing in it acts, and a long one is cut."""
    name = inert(row_name(row, identity))
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def named(given: Mapping[str, Any]) -> str:
    """`targets.csv[y]`: an input's file and columns."""
    path = "standard input" if given["path"] == "-" else given["path"]
    names = [name for name in given["columns"] if name]
    columns = ",".join(names) if len(names) <= 4 else f"{names[0]} … {names[-1]}"
    return f"{path}[{columns}]" if columns else path


def listed(rows: Iterable[str], limit: int = 5) -> str:
    """`#5 #9 #11 …`: the first of some rows' names, for messages."""
    names: Sequence[str] = list(rows)
    return " ".join(names[:limit]) + (" …" if len(names) > limit else "")
