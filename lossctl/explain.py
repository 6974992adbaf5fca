"""What `explain` says of a loss, as pure data: everything follows from its record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lossctl.curves import Curve, curve_of, path_of
from lossctl.grammar import parse
from lossctl.influence import outlier_of
from lossctl.listing import Entry
from lossctl.loss import PEERS, Loss, named
from lossctl.points import Point, example, point_at, scope_of, worked
from lossctl.reductions.additive import Additive
from lossctl.reductions.ordered import Maximum, Median
from lossctl.roles import Role
from lossctl.settings import Setting
from lossctl.spec import Spec, written

DIRECTIONS = {"min": "lower is better", "max": "higher is better", "zero": "nearer 0 is better"}
SCOPES = {"row": "row by row", "group": "within groups", "file": "over all rows"}


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role: what one row holds, or the whole file, in words."""

    name: str
    holds: str
    optional: bool


@dataclass(frozen=True, slots=True)
class SettingFacts:
    """A setting: its value here, its default, the values allowed, what it does."""

    name: str
    value: str
    default: str
    allowed: str
    help: str


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """The name in another library, and the settings with which its number comes out."""

    library: str
    call: str
    differs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Card:
    """A loss explained. `asked`: only the point that was asked for is wanted."""

    spec: str
    name: str
    label: str
    aliases: tuple[str, ...]
    also: tuple[str, ...]  # other losses that the name given stands for
    family: str
    tasks: tuple[str, ...]
    scope: str
    signature: str
    low: float | None
    high: float | None
    range: str
    direction: str
    companion: bool
    formula: str
    summary: str
    roles: tuple[RoleFacts, ...]
    settings: tuple[SettingFacts, ...]
    reduction: str
    reductions: tuple[str, ...]
    diverges: bool
    elicits: str | None
    outlier: str | None
    decomposition: str
    note: str | None
    peers: tuple[PeerFacts, ...]
    example: Point | None
    asked: bool
    source: str
    curve: Curve | None

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts, texts and numbers; what is not finite is None."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def explain(text: str, at: str | None = None) -> Card:
    """The card of a loss by spec (`huber:delta=2`), and of the point `at` where one is given.

    Raises UsageError for an unknown loss or setting and for a point that cannot be read,
    DataError for a point outside the domains.
    """
    spec = parse(text)
    others = [one for one in named(text.partition(":")[0].strip()) if one is not spec.loss]
    return card_of(spec, also=tuple(one.label for one in others), at=at)


def card_of(spec: Spec, *, also: tuple[str, ...] = (), at: str | None = None) -> Card:
    """The card of a loss with its settings."""
    loss = spec.loss
    given = example(spec)
    path = None if given is None else path_of(spec, given)
    point = None if given is None else worked(spec, given)
    if at is not None:
        point = point_at(spec, at)
    return Card(
        spec=str(spec),
        name=loss.name,
        label=loss.label,
        aliases=tuple(name for name in (loss.name, *loss.aliases) if name != loss.label),
        also=also,
        family=loss.family,
        tasks=loss.tasks,
        scope=SCOPES[scope_of(spec)],
        signature=signature(spec),
        low=_bound(spec.low),
        high=_bound(spec.high),
        range=value_range(spec),
        direction=DIRECTIONS[spec.direction],
        companion=loss.companion,
        formula=loss.formula,
        summary=loss.summary,
        roles=tuple(RoleFacts(role.name, holds(role), role.optional) for role in spec.roles),
        settings=tuple(_setting(one, spec.all_settings[one.name]) for one in loss.settings),
        reduction=spec.reduction.name,
        reductions=loss.variants,
        diverges=loss.diverges,
        elicits=loss.elicits,
        outlier=None if path is None else outlier_of(path),
        decomposition=decomposition(spec),
        note=None if loss.note is None else loss.note(**spec.all_settings),
        peers=tuple(_peers(loss)),
        example=point,
        asked=at is not None,
        source=loss.reference,
        curve=None if path is None else curve_of(path),
    )


def signature(spec: Spec) -> str:
    """`huber(pred, target, delta=1.0)`, roles that may be left out as `class_weight=None`."""
    roles = [role.name + ("=None" if role.optional else "") for role in spec.roles]
    settings = [
        f"{one.name}={_python(spec.all_settings[one.name], one)}" for one in spec.loss.settings
    ]
    return f"{spec.loss.name}({', '.join([*roles, *settings])})"


def _python(value: Any, setting: Setting) -> str:
    return repr(str(value)) if isinstance(value, str) or setting.param.nested else repr(value)


def _bound(value: float) -> float | None:
    return value if math.isfinite(value) else None


def value_range(spec: Spec) -> str:
    """The range of one value: `≥ 0`, `0 to 1`, `any value`."""
    low, high = spec.low, spec.high
    if low == -math.inf:
        return "any value" if high == math.inf else f"≤ {high:.4g}"
    return f"≥ {low:.4g}" if high == math.inf else f"{low:.4g} to {high:.4g}"


_ONE = {
    "value": "a number",
    "one": "a number",
    "either": "a number, or several",
    "text": "a text, a list of words, or a list of numbers",
}


def holds(role: Role) -> str:
    """What a role holds, in words: `a whole number ≥ 0, one of the classes`."""
    domain = role.domain
    rule = domain.rule()
    axes = " × ".join(domain.axes)
    match domain.shape:
        case "whole":
            said = "one array for all rows"
            if len(domain.axes) == 1:
                said += f", a number per {_each(domain.axes)}"
            elif axes:
                said += f", {axes}"
        case "vector":
            size = f"{domain.width}" if domain.width is not None else ""
            said = f"{size} numbers" if size else f"numbers, one per {_each(domain.axes)}"
        case "ragged":
            said = f"a list of vectors, each over {axes}" if axes else "a list of numbers"
        case "either" if domain.name == "category":
            said = "a number or text, or several"
        case shape:
            said = _ONE[shape]
    if rule.startswith("a whole number"):
        rule = rule.removeprefix("a whole number").strip()
        said = said.replace("numbers", "whole numbers").replace("a number", "a whole number")
    if domain.shape == "text" or (domain.infinite and rule == "finite"):
        rule = ""
    said += {"": "", "finite": ", finite"}.get(rule, f", {'each ' * _many(said)}{rule}")
    if domain.besides:
        said += " (or " + ", ".join(f"{value:g}" for value in domain.besides) + ")"
    if domain.indexes is not None:
        said += f", below the number of {domain.indexes}"
    if domain.row is not None:
        said += f"; {domain.row.words}"
    return said + ("; may be left out" if role.optional else "")


def _many(said: str) -> bool:
    return "numbers" in said or "array" in said or "vectors" in said


_ELEMENTS = {"classes": "class", "pixels": "pixel", "dimensions": "dimension",
             "members": "member"}  # fmt: skip


def _each(axes: tuple[str, ...]) -> str:
    return _ELEMENTS.get(axes[0] if axes else "", "place")


def _setting(setting: Setting, value: Any) -> SettingFacts:
    return SettingFacts(
        setting.name, written(value), written(setting.default), allowed(setting), setting.param.help
    )


def allowed(setting: Setting) -> str:
    """The values that a setting takes, in words."""
    said = "true or false" if setting.type is bool and not setting.param.choices else None
    said = said or setting.param.rule()
    return said + (" or null" if setting.param.optional else "")


def _peers(loss: Loss) -> Iterator[PeerFacts]:
    """Those whose conventions `--like` knows first."""
    order = [*(peer for peer in PEERS if peer in loss.peers),
             *(peer for peer in loss.peers if peer not in PEERS)]  # fmt: skip
    for peer in order:
        differs = {key: written(value) for key, value in loss.like.get(peer, {}).items()}
        yield PeerFacts(peer, loss.peers[peer], differs)


def decomposition(spec: Spec) -> str:
    """How the value comes of the rows, and what a row's contribution then is."""
    reduction, scope = spec.reduction, scope_of(spec)
    if scope != "row":
        within = "of its group" if scope == "group" else "of the file"
        return (
            f"pairwise: a row's term depends on the other rows {within}; without a row the others "
            "are worked out anew"
        )
    if isinstance(reduction, Maximum):
        return "order statistic: the largest row is the value, all others add nothing"
    if isinstance(reduction, Median):
        return "order statistic: the middle row is the value; no row has a share"
    if not isinstance(reduction, Additive) or reduction.pairs:
        return (
            "ratio of sums: no shares that add up to 1; a row counts by how the value changes "
            "without it"
        )
    shares = "" if spec.shares else "; rows can be negative, so that there are no shares"
    inner = _inner(reduction)
    if reduction.outer == "root":
        return f"monotone of additive: the square root of {inner} of squares; shares are of squares"
    if reduction.outer == "exp":
        return f"monotone of additive: e to the power of {inner}{shares}"
    penalty = ", plus a penalty that belongs to no row" if spec.loss.penalty is not None else ""
    shares = shares or "; the share of a row is its part of the sum"
    return f"additive: {inner} over the rows{penalty}{shares}"


def _inner(reduction: Additive) -> str:
    return {
        "weights": "the (weighted) mean",
        "rows": "the weighted sum by the number of rows",
        "nonzero": "the weighted sum by the number of rows of weight above 0",
        "one": "the sum",
    }[reduction.divisor]


# --- the list -----------------------------------------------------------------------------------


def entry_of(loss: Loss) -> Entry:
    """The line of one loss."""
    return Entry(
        loss.label,
        loss.name,
        loss.family,
        loss.tasks,
        tuple(f"{one.name}={written(one.default)}" for one in loss.settings),
        " ".join(loss.summary.split(". ")[0].split()).rstrip("."),
    )
