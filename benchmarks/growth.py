"""How time and memory grow with the file (W8), and what a further row costs (the end of W3)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial

from benchmarks.files import Files
from benchmarks.kept import Row
from benchmarks.measuring import apart, in_turn, measure
from benchmarks.tasks import Task
from benchmarks.workloads import BARE, MILLION, SEVEN, W3, Peer, asking, bare

SIZES = (1, 3, 10, 30, 100)  # millions of rows
SLOW = 2.0  # a peer so many times slower than the fastest that counts is not run on large files
BARE_SEVEN, FULL_SEVEN = asking(SEVEN, *BARE), asking(SEVEN, "-f", "tsv")


def growth(files: Files, runs: int) -> Iterator[Task]:
    """W8: the whole report and `-b`, NPY and Parquet."""
    for form in ("npy", "parquet"):
        for millions in SIZES:
            name = f"W8 {form} {millions} M"
            yield Task(name, partial(grown, name, form, millions, files, runs))


def grown(name: str, form: str, millions: int, files: Files, runs: int) -> Row:
    rows = files.rows(millions * MILLION)
    pair = files.pair("regression", form, rows)
    files.make(pair)
    measure(BARE_SEVEN(pair))  # not counted: the files come into the cache
    full, values = in_turn(FULL_SEVEN(pair), BARE_SEVEN(pair), runs)
    return {"name": name, "kind": "growth", "form": form, "rows": rows, "full": full,
            "bare": values}  # fmt: skip


def further(files: Files, runs: int) -> Iterator[Task]:
    """The end of W3: 100 M rows less 10 M."""
    for form in ("npy", "parquet", "csv"):
        name = f"W3 further {form}"
        yield Task(name, partial(cost, name, form, files, runs))


def cost(name: str, form: str, files: Files, runs: int) -> Row:
    """Times at both sizes, in turn with each peer that is not much slower than the fastest."""
    sizes = [files.rows(millions * MILLION) for millions in (10, 100)]
    pairs = [files.pair("regression", form, rows) for rows in sizes]
    files.make(*pairs)
    peers = {name: peer for name, peer in W3[form][0].items() if not peer.lacks}
    tried = {name: measure(peer.command(pairs[0])).seconds for name, peer in peers.items()}
    least = min((taken for name, taken in tried.items() if peers[name].held_to), default=math.inf)
    quick = [name for name, taken in tried.items() if taken <= SLOW * least]
    found = {name: both(peers[name], pairs, runs) for name in quick}
    if sizes[1] > 30 * MILLION and form == "csv":
        files.drop(pairs[1])
    return {
        "name": name,
        "kind": "further",
        "form": form,
        "rows": sizes,
        "slow": [name for name in tried if name not in quick],
        "lacks": sorted({library for peer in W3[form][0].values() for library in peer.lacks}),
        "peers": found,
        "held_to": [name for name in quick if peers[name].held_to],
    }


def both(peer: Peer, pairs: list[list[str]], runs: int) -> Row:
    """Every time at both sizes; digits first."""
    row: Row = {"digits": 0.0, "times": []}
    for pair in pairs:
        ours, theirs = BARE_SEVEN(pair), peer.command(pair)
        printed = measure(ours).output, measure(theirs).output
        far = apart(bare(SEVEN)(printed[0]), json.loads(printed[1]), 1e-9)
        row["digits"] = max(row["digits"], far)
        row["times"].append(in_turn(ours, theirs, runs))
    return row
