"""A loss's card: for a terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lossctl.errors import UsageError
from lossctl.explain import Card, PeerFacts, SettingFacts
from lossctl.points import Point
from lossctl.renderers.chart import beside, chart
from lossctl.renderers.json import harmless
from lossctl.renderers.typeset import Line, Style, padded, shown, width, wrapped

FORMATS = ("table", "md", "json")
_LABEL = 15  # cells of the left column
_INDENT = 4
_GAP = 4  # cells between two charts
_SIDE_BY_SIDE = 70  # cells of a screen that has room for two charts in a row
_WIDEST = 56  # cells of one chart
_TOGETHER = "\u00a0"  # between the numbers of a list that is not broken up
_SHORT = 40  # the longest such list
_ERROR = re.compile(r"(?<![A-Za-z0-9_.])e(?![A-Za-z0-9_^(])")


def known_format(form: str) -> str:
    """The format of that name. Raises UsageError for one that there is not."""
    if form not in (*FORMATS, "plain"):
        raise UsageError(f"explain has no format {form}", f"it is one of {', '.join(FORMATS)}")
    return "table" if form == "plain" else form


def render(card: Card, form: str, cells: int, color: bool = False) -> str:
    """`card` as table, md or json, ended by a newline."""
    if form == "json":
        text = json.dumps(card.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        return harmless(text) + "\n"
    if form == "md":
        return "\n\n".join([f"# {card.label}", *markdown(card)]) + "\n"
    lines = screen(card, cells)
    if color:
        from lossctl.renderers.table import styled

        return styled(lines)
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


# --- the screen ---------------------------------------------------------------------------------


def screen(card: Card, cells: int) -> list[Line]:
    """All lines, none wider than `cells`."""
    lines: list[Line] = [*_head(card, cells), []]
    lines += _lines(" " * _INDENT + text for text in wrapped(_formula(card), cells - _INDENT))
    lines.append([])
    if card.asked:
        return lines + _facts(_worked(card), cells)
    lines += _facts(_before(card), cells)
    if card.curve is not None:
        caption = wrapped(f"over {card.curve.over}", cells)
        lines += [[], *_lines(caption, "dim"), *_lines(picture(card, cells)), []]
    return lines + _facts(_after(card), cells)


def _lines(texts: Iterable[str], style: Style = "") -> list[Line]:
    return [[(text, style)] for text in texts]


def _head(card: Card, cells: int) -> list[Line]:
    facts = " · ".join((card.family, card.scope, card.range))
    if width(card.signature) + 2 + width(facts) <= cells:
        gap = " " * (cells - width(card.signature) - width(facts))
        return [[(card.signature, "bold"), (gap, ""), (facts, "dim")]]
    name, _, rest = card.signature.partition("(")
    first, *more = wrapped(f"{name}({rest}", cells - _INDENT)
    return [
        *_lines([first, *(" " * _INDENT + text for text in more)], "bold"),
        *_lines(wrapped(facts, cells), "dim"),
    ]


def _formula(card: Card) -> str:
    names = [role.name for role in card.roles]
    error = _ERROR.search(card.formula) and {"pred", "target"} <= set(names)
    return card.formula + ("    where e = pred - target" if error else "")


def _facts(facts: Sequence[tuple[str, Sequence[str]]], cells: int) -> list[Line]:
    """Labels, and their texts in a column of their own (below them on a narrow screen)."""
    lines: list[Line] = []
    room = cells - _LABEL
    for label, texts in facts:
        head = padded(label, _LABEL)
        for text in texts:
            for part in wrapped(text, room):
                lines.append([(head, "dim"), (part.replace(_TOGETHER, " "), "")])
                head = " " * _LABEL
    return lines


def _before(card: Card) -> list[tuple[str, list[str]]]:
    facts = [("What", _paragraphs(card.summary))]
    if card.aliases:
        facts.append(("Also called", [", ".join(card.aliases)]))
    if card.also:
        facts.append(("The name", [_also(card)]))
    facts.append(("Tasks", [", ".join(card.tasks)]))
    facts.append(("Roles", [f"{role.name}: {role.holds}" for role in card.roles]))
    if card.settings:
        facts.append(("Settings", [_setting(one) for one in card.settings]))
    facts.append(("Direction", [_direction(card)]))
    if card.elicits:
        facts.append(("Elicits", [elicited(card)]))
    if card.outlier:
        facts.append(("An outlier", [card.outlier]))
    facts.append(("Decomposition", [card.decomposition]))
    if len(card.reductions) > 1:
        facts.append(("Reductions", [", ".join(card.reductions)]))
    if card.note:
        facts.append(("Note", [card.note]))
    if card.peers:
        facts.append(("Elsewhere", [f"{one.library}: {_peer(one)}" for one in card.peers]))
    return facts


def _after(card: Card) -> list[tuple[str, list[str]]]:
    facts = [] if card.example is None else _worked(card)
    return [*facts, ("Source", [card.source])]


def _also(card: Card) -> str:
    return f"stands for {', '.join(card.also)} too: the task, or the roles given, decide"


def _direction(card: Card) -> str:
    said = card.direction
    if card.companion:
        said += "; shown beside losses, no loss itself"
    if card.diverges:
        said += "; one row may cost infinitely much: the status is then infinite"
    return said


def elicited(card: Card) -> str:
    """What the best prediction is, in a sentence."""
    if card.elicits in ("mean", "median"):
        return f"the {card.elicits}: the best constant, against which skill is measured"
    return card.elicits or ""


def _setting(one: SettingFacts) -> str:
    default = "" if one.value == one.default else f"; default {one.default}"
    return f"{one.name}={one.value}  ({one.allowed}{default}) {one.help}"


def _peer(one: PeerFacts) -> str:
    if not one.differs:
        return one.call
    return one.call + ", with " + ", ".join(f"{key}={value}" for key, value in one.differs.items())


def _worked(card: Card) -> list[tuple[str, list[str]]]:
    point = card.example
    assert point is not None
    return [
        ("Point" if card.asked else "Example", [shown(text) for text in worked_out(card, point)])
    ]


def worked_out(card: Card, point: Point) -> list[str]:
    """The point in sentences: its roles, what each row adds, the value, the gradient."""
    given = ", ".join(f"{name} {_value(value, point)}" for name, value in point.roles.items())
    adds = ", ".join(_number(value) for value in point.adds)
    if point.value is None and point.rows == 1:
        return [f"{given}: one row alone has no value"]
    value = "undefined" if point.value is None else _number(point.value)
    if point.rows > 1:
        lines = [given, f"the {'value' if card.companion else 'loss'} is {value}"]
        return lines if "ratio" in card.decomposition else [*lines, f"the rows add {adds}"]
    said = f"loss {value}" if value == adds else f"it adds {adds}, and the loss is {value}"
    if point.gradient is not None:
        said += f", gradient {_list(_rounded(point.gradient))}"
    return [given, said] if len(given) > 40 else [f"{given}: {said}"]


def _value(value: Any, point: Point) -> str:
    """One row's value bare; several as a list; a whole as it is."""
    one = isinstance(value, list) and len(value) == 1 and point.rows == 1
    return _list(value[0] if one else value)


def _rounded(gradient: Any) -> Any:
    """Without what rounding left of zeros."""

    def largest(part: Any) -> float:
        return max(map(largest, part), default=0.0) if isinstance(part, list) else abs(part)

    least = 1e-14 * largest(gradient)

    def kept(part: Any) -> Any:
        if isinstance(part, list):
            return [kept(one) for one in part]
        return 0.0 if abs(part) < least else part

    return kept(gradient)


def _list(value: Any) -> str:
    if isinstance(value, list | tuple):
        text = "[" + ", ".join(_list(one) for one in value) + "]"
        return text.replace(" ", _TOGETHER) if len(text) <= _SHORT else text
    return (value or "''") if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    return f"{value + 0.0:.6g}"


def _paragraphs(text: str) -> list[str]:
    return [" ".join(one.split()) for one in re.split(r"\n\s*\n", text.strip())]


def picture(card: Card, cells: int) -> list[str]:
    """The loss and its gradient, side by side where there is room."""
    curve = card.curve
    assert curve is not None
    both = cells >= _SIDE_BY_SIDE
    each = min((cells - _GAP) // 2 if both else cells, _WIDEST)
    what = "loss" if card.decomposition.startswith("additive") else "what a row adds"
    charts = [
        chart(what, curve.x, curve.loss, each),
        chart("gradient", curve.x, curve.gradient, each),
    ]
    if both:
        return beside(charts, _GAP)
    return [line.rstrip() for one in charts for line in one]


# --- Markdown -----------------------------------------------------------------------------------


def markdown(card: Card) -> Iterator[str]:
    """The blocks below the heading of a page, or of a section of one."""
    yield "\n\n".join(_paragraphs(card.summary))
    yield f"```\n{_formula(card)}\n```"
    yield table(("role", "one row"), [(f"`{role.name}`", role.holds) for role in card.roles])
    if card.settings:
        rows = [(f"`{s.name}`", f"`{s.value}`", s.allowed, s.help) for s in card.settings]
        yield table(("setting", "default", "values", "what it does"), rows)
    yield "\n".join(f"- {fact}" for fact in _bullets(card))


def _bullets(card: Card) -> Iterator[str]:
    if card.aliases:
        yield f"Also called {', '.join(f'`{name}`' for name in card.aliases)}."
    yield f"For {', '.join(card.tasks)}; {card.scope}; {card.range}; {_direction(card)}."
    yield f"Python: `lossctl.losses.{card.signature}`."
    yield f"Reductions: {', '.join(f'`{name}`' for name in card.reductions)}."
    yield f"Decomposition: {card.decomposition}."
    if card.elicits:
        yield f"Elicits {elicited(card)}."
    if card.outlier:
        yield f"Outliers: {card.outlier}."
    if card.note:
        yield f"Note: {card.note}."
    for peer in card.peers:
        differs = ", ".join(f"`{key}={value}`" for key, value in peer.differs.items())
        yield f"In {peer.library}: `{peer.call}`" + (f", with {differs}." if differs else ".")
    if card.example is not None:
        yield f"Example: {'; '.join(worked_out(card, card.example))}.".replace(_TOGETHER, " ")
    yield f"Source: {card.source}."


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    escaped = [tuple(cell.replace("|", r"\|") for cell in line) for line in (heads, *rows)]
    escaped.insert(1, ("---",) * len(heads))
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
