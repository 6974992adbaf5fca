"""A change of a mean between two sets of rows: what of it is the mix of groups, what happened
within them.

Kitagawa (1955), symmetric form: mix = sum (w1 - w0) (m0 + m1) / 2, within = sum (m1 - m0)
(w0 + w1) / 2, of the groups' shares w and means m. Both are exact, and sum to the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lossctl.analyses import grouped
from lossctl.analyses.context import prose
from lossctl.analyses.contrast import as_mean, even
from lossctl.analyses.cuts import Cut
from lossctl.analyses.wording import short, signed
from lossctl.errors import DataError, inert
from lossctl.report import Column, Json, Part, Table
from lossctl.spec import Spec
from lossctl.states import SumsState


@dataclass(frozen=True, slots=True)
class Side:
    """A group in one of both sets: its share of them, and its mean; None where it has no rows."""

    share: Fraction
    mean: Fraction | None
    weighed: bool = False  # whether it is a share of the rows' weight


@dataclass(frozen=True, slots=True)
class Split:
    """The change, and each group's part of it through the mix and within itself."""

    before: Fraction
    after: Fraction
    mix: tuple[Fraction, ...]
    within: tuple[Fraction, ...]
    common: bool  # whether any group has rows in both

    @property
    def change(self) -> Fraction:
        return self.after - self.before


def split(before: Sequence[Side], after: Sequence[Side]) -> Split:
    """The two parts of the change, by group. A group that one of the sets does not have changes
    the mix alone: its mean there is taken to be that of the other."""
    mix, within = [], []
    means = []
    for old, new in zip(before, after, strict=True):
        first = old.mean if old.mean is not None else new.mean
        second = new.mean if new.mean is not None else first
        assert first is not None and second is not None
        mix.append((new.share - old.share) * (first + second) / 2)
        within.append((second - first) * (old.share + new.share) / 2)
        means.append((old.share * first, new.share * second))
    return Split(
        sum((one for one, _ in means), Fraction(0)),
        sum((one for _, one in means), Fraction(0)),
        tuple(mix),
        tuple(within),
        any(old.share and new.share for old, new in zip(before, after, strict=True)),
    )


def sides(spec: Spec, sums: Mapping[int, SumsState], codes: Sequence[int]) -> list[Side]:
    """The groups of one set, from their exact sums. Raises DataError where they do not average."""
    means = {code: as_mean(one, grouped.additive(spec)) for code, one in sums.items()}
    whole = sum(one.b for one in means.values())
    if whole <= 0 or any(one.infinite for one in means.values()):
        raise DataError(f"{spec.brief} has no finite mean in one of the files",
                        "name another loss with -l")  # fmt: skip
    none = SumsState()
    weighed = not all(even(one) for one in means.values())
    found = []
    for code in codes:
        one = means.get(code, none)
        mean = Fraction(one.a, one.b) if one.b > 0 else None
        found.append(Side(Fraction(one.b, whole), mean, weighed))
    return found


def part(
    spec: Spec, name: str, cut: Cut, codes: Sequence[int], before: list[Side], after: list[Side]
) -> Part:
    """The split in words, by group and in full."""
    made = split(before, after)
    label = _mean_of(spec, spec.brief)
    lines = []
    for place, code in enumerate(codes):
        old, new = before[place], after[place]
        lines.append((
            cut.names[code], _float(old.share), _float(new.share), _float(old.mean),
            _float(new.mean), float(made.mix[place]), float(made.within[place]),
        ))  # fmt: skip
    lines.sort(key=lambda line: -abs(line[5] + line[6]))
    of = "weight" if any(side.weighed for side in (*before, *after)) else "rows"
    columns = (
        Column("group", "text"),
        Column(f"{of} before", "share", 3), Column(f"{of} after", "share", 2),
        Column(f"{label} before", "value", 5), Column(f"{label} after", "value", 4),
        Column("by mix", "signed"), Column("within", "signed"),
    )  # fmt: skip
    data: Json = {
        "by": str(spec),
        "mean_of": label,
        "column": cut.column,
        "shares_of": of,
        "before": float(made.before),
        "after": float(made.after),
        "change": float(made.change),
        "mix": float(sum(made.mix)),
        "within": float(sum(made.within)),
        "groups": [
            dict(zip(
                ("group", "share_before", "share_after", "before", "after", "mix", "within"),
                line, strict=True,
            ))
            for line in lines
        ],
    }  # fmt: skip
    return Part(f"mix {name}", said(spec, name, made), data, Table(columns, tuple(lines)))


def ends(data: Json) -> str:
    """`mse 1.6 before, 2.35 after, in 4 groups`."""
    before, after = short(data["before"]), short(data["after"])
    return f"{data['mean_of']} {before} before, {after} after, in {len(data['groups'])} groups"


def said(spec: Spec, name: str, made: Split) -> str:
    """`MSE +0.75 (from 1.6 to 2.35): +0.885 from the mix of region, -0.135 from within its
    groups`."""
    mix, within = sum(made.mix), sum(made.within)
    ends = f"from {short(float(made.before))} to {short(float(made.after))}"
    what = _mean_of(spec, prose(spec))
    changed = f"{what} {signed(float(made.change))} ({ends})"
    if not made.common:
        return (
            f"{changed}: the files have no group of {inert(name)} in common, so that nothing says "
            "what of it is their mix"
        )
    if not any((*made.mix, *made.within)):
        return f"{what} is the same in both: {short(float(made.after))}"
    if not any(made.mix):
        return f"{changed}, all of it within the groups of {inert(name)}: their mix is the same"
    return (
        f"{changed}: {signed(float(mix))} from the mix of {inert(name)}, {signed(float(within))} "
        "from within its groups"
    )


def _mean_of(spec: Spec, name: str) -> str:
    """What is averaged, as a root or an exponential does not split: `rmse²`, `ln(perplexity)`."""
    outer = grouped.additive(spec).outer
    return {"identity": name, "root": f"{name}²", "exp": f"ln({name})"}[outer]


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def sized(count: float, mean: float, whole: Fraction) -> Side:
    """A group of so many rows and such a mean, of `whole` rows."""
    return Side(Fraction(count) / whole, Fraction(mean) if count else None)
