"""Time sequence losses against other libraries, in one process; those not installed are skipped.

Each line: lossctl's time over the other's, the median of pairs run in turn, and the largest
relative difference between the two, looked at before any time counts.

    python benchmarks/sequences.py --pairs 9
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np

from lossctl import losses
from lossctl.arrays import Ragged
from lossctl.sequences import encode

CLOSE = 1e-12
THREADS = 2
Run = Callable[[], Any]


def library(name: str) -> Any:
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out", file=sys.stderr)
        return None


def alignments() -> Iterator[tuple[str, Run, Run]]:
    """256 rows of 200 frames, 50 symbols, about 30 of them in a target."""
    torch = library("torch")
    if torch is None:
        return
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    rows, frames, symbols, most = 256, 200, 50, 35
    logits = rng.normal(size=(rows, frames, symbols))
    sizes = rng.integers(25, most + 1, rows)
    target = rng.integers(1, symbols, (rows, most))
    used = np.arange(most) < sizes[:, np.newaxis]
    pred = Ragged(logits.reshape(-1, symbols), np.arange(rows + 1) * frames)
    label = Ragged(target[used].astype(float), np.concatenate([[0], np.cumsum(sizes)]))
    tensors = [torch.tensor(array) for array in (target, np.full(rows, frames), sizes)]
    scores = torch.tensor(logits)

    def theirs() -> Any:
        logs = torch.log_softmax(scores, -1).transpose(0, 1)
        return torch.nn.functional.ctc_loss(logs, *tensors, reduction="none").numpy()

    yield f"ctc / torch, float64, {THREADS} threads", lambda: losses.ctc(pred, label), theirs


def edits() -> Iterator[tuple[str, Run, Run]]:
    """10 000 pairs of 200 characters: one in ten changed, and unlike ones."""
    rapidfuzz = library("rapidfuzz.distance.Levenshtein")
    if rapidfuzz is None:
        return
    rng = np.random.default_rng(0)
    letters = rng.choice(list("abcdefghij "), (10_000, 200))
    changed = np.where(rng.random(letters.shape) < 0.1, "x", letters)
    target = ["".join(row) for row in letters]
    for name, pred in (
        ("near", ["".join(row) for row in changed]),
        ("far", target[1:] + target[:1]),
    ):
        columns = encode(pred), encode(target)

        def ours(columns: Any = columns) -> Any:
            return losses.edit_distance(*columns)

        def theirs(pred: Any = pred) -> Any:
            return [rapidfuzz.distance(a, b) for a, b in zip(pred, target, strict=True)]

        yield f"edit_distance / rapidfuzz, {name}", ours, theirs


def compared(name: str, ours: Run, theirs: Run, pairs: int) -> str:
    """One line. Exits where the digits differ."""
    left, right = np.asarray(ours(), dtype=float), np.asarray(theirs(), dtype=float)
    apart = float(np.max(np.abs(left - right) / np.maximum(np.abs(right), 1e-300)))
    if not apart <= CLOSE:
        sys.exit(f"{name}: the two differ by {apart:.1e}")
    made = [(timed(ours), timed(theirs)) for _ in range(pairs)]
    ratios = [a / b for a, b in made]
    seconds = [statistics.median(side) for side in zip(*made, strict=True)]
    return (
        f"{name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"{seconds[0]:.3f} / {seconds[1]:.3f} s, digits {apart:.0e}"
    )


def timed(run: Run) -> float:
    started = perf_counter()
    run()
    return perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description="Time sequence losses against other libraries.")
    parser.add_argument("--pairs", type=int, default=9, help="how many pairs A B (default 9)")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    for cases in (alignments, edits):
        for name, ours, theirs in cases():
            print(compared(name, ours, theirs, options.pairs), flush=True)


if __name__ == "__main__":
    main()
