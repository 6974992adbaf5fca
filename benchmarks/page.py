"""The page: what was kept, as tables, each bar beside its figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.kept import Row
from benchmarks.measuring import Figures

LIMITS = Path(__file__).resolve().parent / "limits.md"
LIMIT_MB = 300
DOUBLING = 2.1
SHORT = 0.05  # seconds: a net time below says nothing
TITLES = ("lossctl against", "ratio", "net", "seconds", "peak MB", "digits", "bar")


@dataclass(frozen=True)
class Ratio:
    """Ours over theirs, pair by pair: the median, the least and the greatest."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"**{self.middle:.2f}** ({self.low:.2f} to {self.high:.2f})"


def ratio(ours: list[Figures], theirs: list[Figures]) -> Ratio:
    found = [mine[0] / other[0] for mine, other in zip(ours, theirs, strict=True)]
    return Ratio(median(found), min(found), max(found))


def seconds(runs: list[Figures]) -> float:
    return median(run[0] for run in runs)


def peak(runs: list[Figures]) -> float:
    return max(run[2] for run in runs)


def net(row: Row) -> float | None:
    """The ratio once both sides' one-row run is taken off; None where too little is left."""
    if row["one"] is None:
        return None
    starts = [seconds(side) for side in row["one"]]
    pairs = zip(row["ours"], row["theirs"], strict=True)
    nets = [(mine[0] - starts[0], other[0] - starts[1]) for mine, other in pairs]
    if min(median(side) for side in zip(*nets, strict=True)) < SHORT:
        return None
    return median(mine / other for mine, other in nets if other > 0.0)


def judged(bar: float, figure: float, unit: str = "") -> str:
    return f"≤ {bar:g}{unit}: {'met' if figure <= bar else '**not met**'}"


def fastest(rows: Iterable[Row]) -> dict[str, str]:
    """Of each group that has a bar, the comparison that is worst for us."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["kind"] == "comparison" and row["bar"] is not None:
            other = found.get(row["group"])
            if other is None or _ratio(row) > _ratio(other):
                found[row["group"]] = row
    return {group: row["name"] for group, row in found.items()}


def _ratio(row: Row) -> float:
    return ratio(row["ours"], row["theirs"]).middle


def table(titles: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    titles = list(titles)
    every = [titles, ["---"] * len(titles), *(list(line) for line in lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in every)


def brief(row: Row) -> str:
    """What is printed as soon as a row is known."""
    if row["kind"] == "left out":
        return f"{row['name']} | left out: {', '.join(row['lacks'])} not installed"
    if row["kind"] == "comparison":
        held = {} if row["bar"] is None else {row["group"]: row["name"]}
        return " | ".join([row["name"], *line(row, held)[1:]])
    if row["kind"] == "growth":
        cells = (f"{seconds(row[which]):.2f} s, {peak(row[which]):.0f} MB"
                 for which in ("full", "bare"))  # fmt: skip
        return " | ".join([row["name"], *cells])
    return f"{row['name']}\n{further([row])}"


# --- sections ---------------------------------------------------------------------------------


def line(row: Row, worst: Mapping[str, str]) -> list[str]:
    """One comparison."""
    held = worst.get(row["group"]) == row["name"]
    figure = ratio(row["ours"], row["theirs"])
    after = net(row)
    return [
        f"{row['name'].partition(' ')[2]}: {row['what']}",
        str(figure),
        "–" if after is None else f"{after:.2f}",
        f"{seconds(row['ours']):.3f} / {seconds(row['theirs']):.3f}",
        f"{peak(row['ours']):.0f} / {peak(row['theirs']):.0f}",
        "–" if row["digits"] is None else f"{row['digits']:.0e}",
        bars(row, figure.middle) if held else "",
    ]


def bars(row: Row, figure: float) -> str:
    """The bar of the ratio, and that of our peak where there is one."""
    most = row.get("most")
    told = [] if most is None else [judged(most, peak(row["ours"]), " MB")]
    return "; ".join([judged(row["bar"], figure), *told])


def section(rows: list[Row], worst: Mapping[str, str]) -> str:
    """The comparisons of one workload."""
    lines = [line(row, worst) for row in rows if row["kind"] == "comparison"]
    text = table(TITLES, lines) if lines else ""
    absent = [f"{row['name']} ({', '.join(row['lacks'])} not installed)" for row in rows
              if row["kind"] == "left out"]  # fmt: skip
    if absent:
        text += f"\n\nLeft out: {'; '.join(absent)}."
    return text.strip()


def further(rows: list[Row]) -> str:
    """The cost per further row."""
    lines, notes = [], []
    for row in rows:
        rates = {name: _rates(row, name) for name in row["peers"]}
        held = [name for name in row["held_to"] if rates[name][1] > 0.0]
        worst = max(held, key=lambda name: rates[name][0] / rates[name][1], default=None)
        for name, (ours, theirs) in rates.items():
            times = row["peers"][name]["times"][1]
            cost = ours / theirs if theirs > 0.0 else math.nan
            lines.append([
                f"{row['form']} {name}",
                f"**{cost:.2f}**",
                f"{ours:.1f} / {theirs:.1f}",
                f"{seconds(times[0]):.2f} / {seconds(times[1]):.2f}",
                f"{peak(times[0]):.0f} / {peak(times[1]):.0f}",
                f"{row['peers'][name]['digits']:.0e}",
                judged(1.0, cost) if name == worst else "",
            ])  # fmt: skip
        runs = len(next(iter(row["peers"].values()))["times"][1][0]) if row["peers"] else 0
        told = [f"{row['form']}: {runs} pairs"]
        told += [f"{name} over twice as slow as the fastest" for name in row["slow"]]
        told += [f"{name} not installed" for name in row["lacks"]]
        notes.append(", ".join(told))
    titles = ("lossctl against", "ratio per further row", "ns per further row", "seconds at the "
              "larger size", "peak MB there", "digits", "bar")  # fmt: skip
    return f"{table(titles, lines)}\n\n{'; '.join(notes)}."


def _rates(row: Row, name: str) -> tuple[float, float]:
    """Nanoseconds per further row, ours and theirs."""
    small, large = row["peers"][name]["times"]
    ours, theirs = (seconds(large[side]) - seconds(small[side]) for side in (0, 1))
    each = 1e9 / (row["rows"][1] - row["rows"][0])
    return each * ours, each * theirs


def doubling(small: Row, large: Row, which: str) -> float:
    """By how much the time grows for every doubling of the rows."""
    grown = seconds(large[which]) / seconds(small[which])
    return float(grown ** (1.0 / math.log2(large["rows"] / small["rows"])))


def growth(rows: list[Row]) -> str:
    lines = []
    for before, row in zip([None, *rows], rows, strict=False):
        cells = []
        for which in ("full", "bare"):
            cells.append(f"{seconds(row[which]):.2f} s, {peak(row[which]):.0f} MB")
            same = before is not None and before["form"] == row["form"]
            cells.append(f"{doubling(before, row, which):.2f}" if before and same else "")
        lines.append([row["form"], f"{row['rows']:,}", *cells])
    titles = ("form", "rows", "whole report", "per doubling", "values only (`-b`)", "per doubling")
    most = max(peak(row[which]) for row in rows for which in ("full", "bare"))
    twice = max((doubling(a, b, which) for a, b in pairs_of(rows) for which in ("full", "bare")),
                default=1.0)  # fmt: skip
    return (
        f"{table(titles, lines)}\n\n"
        f"A doubling of the rows costs at most {twice:.2f} times the time "
        f"({judged(DOUBLING, twice)}); the highest peak is {most:.0f} MB "
        f"({judged(LIMIT_MB, most)}). {len(rows[0]['full'])} runs each, medians."
    )


def pairs_of(rows: list[Row]) -> Iterator[tuple[Row, Row]]:
    """Neighbouring sizes of one form."""
    for before, row in pairwise(rows):
        if before["form"] == row["form"] and before["rows"] < row["rows"]:
            yield before, row


# --- the page ---------------------------------------------------------------------------------


def page(rows: Mapping[str, Row], titles: Mapping[str, str]) -> str:
    """All of it. `titles` names every workload but W8, the growth."""
    every = list(rows.values())
    compared = [row for row in every if "workload" in row]
    worst = fastest(compared)
    took = sum(row.get("took", 0.0) for row in every)
    machines = sorted({row["machine"] for row in every})
    dates = sorted({row["date"] for row in every})
    pairs = sorted({len(row["ours"]) for row in compared if row["kind"] == "comparison"})
    counted = " or ".join(str(count) for count in pairs)
    blocks = [
        "# Performance",
        "Written by `make bench ARGS=--write`. Whole processes from start to exit, lossctl and the "
        f"other in turn, {counted} pairs. *Ratio* is lossctl's time over the other's, the median "
        "of the pairs (and the least and the greatest): below 1, lossctl is faster. *Net* is the "
        "ratio once the time that each side takes for a file of one row is taken off both. "
        "Seconds are medians, lossctl / the other; memory is the highest peak of a process. "
        "*Digits* is the largest relative difference between the two results, checked before any "
        "time counts. Where a bar is about the fastest of several, it stands beside that one. "
        "Scripts are those of `benchmarks/peers/`.",
        *machines,
        f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}, "
        f"in {took / 60.0:.0f} minutes." if dates else "",
    ]  # fmt: skip
    grown = [row for row in every if row["kind"] == "growth"]
    grown.sort(key=lambda row: (row["form"], row["rows"]))
    ordered = {**titles, "W8": "Growth: the seven losses of two files"}
    for workload, title in sorted(ordered.items()):
        mine = [row for row in compared if row["workload"] == workload]
        if mine:
            blocks += [f"## {workload}. {title}", section(mine, worst)]
        costs = [row for row in every if row["kind"] == "further"] if workload == "W3" else []
        if costs:
            blocks += [further_title(costs[0]), further(costs)]
        if workload == "W8" and grown:
            blocks += [f"## {workload}. {title}", growth(grown)]
    blocks.append(LIMITS.read_text(encoding="utf-8").strip())
    return "\n\n".join(block for block in blocks if block) + "\n"


def further_title(row: Row) -> str:
    small, large = row["rows"]
    return f"### What a further row costs: {large:,} rows less {small:,}, values only"
