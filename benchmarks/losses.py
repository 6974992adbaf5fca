"""Time of each loss on one block of rows: `python benchmarks/losses.py [LOSS ...]`.

One line per registered loss: nanoseconds per row, and how many times the squared error that is.
Columns are drawn from the domains of the roles; medians of several runs, all in this process.
"""

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from lossctl.arrays import Domain, Ragged, offsets_of
from lossctl.loss import Loss, losses
from lossctl.numerics import sharing
from lossctl.sequences import encode

ROWS = 4096
SIZES = {"classes": 10, "dimensions": 16, "pixels": 64, "members": 20, "symbols": 30}
RUNS = 5
ALPHABET = np.array(list("abcdefghijklmnop"))


def column(domain: Domain, rng: np.random.Generator) -> Any:
    """Values inside a domain, in its shape."""
    size = [SIZES.get(axis, 4) for axis in domain.axes]
    if domain.shape == "text":
        return encode("".join(rng.choice(ALPHABET, 40)) for _ in range(ROWS))
    if domain.shape == "ragged":
        lengths = np.full(ROWS, 40 if domain.axes else 8)
        offsets = offsets_of(lengths)
        if domain.axes:
            return Ragged(values(domain, (int(offsets[-1]), *size), rng), offsets)
        tokens = rng.integers(1, SIZES[domain.indexes or "symbols"], int(offsets[-1]))
        return Ragged(tokens.astype(np.float64), offsets)
    if domain.shape == "whole":
        return values(domain, tuple(size) or (60,), rng)
    width = [domain.width] if domain.width else size
    return values(domain, (ROWS, *width) if domain.shape == "vector" else (ROWS,), rng)


def values(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Numbers inside a domain."""
    if domain.choices:
        return rng.choice(domain.choices[0], shape)
    if domain.integral or domain.indexes:
        return rng.integers(0, SIZES.get(domain.indexes or "", 5), shape).astype(np.float64)
    if domain.name == "category":
        return rng.integers(0, 5, shape).astype(np.float64)
    if domain.name == "box":
        corners = rng.uniform(0.0, 10.0, (shape[0], 2))
        return np.concatenate([corners, corners + rng.uniform(1.0, 5.0, (shape[0], 2))], axis=1)
    low, high = max(domain.low, -3.0), min(domain.high, 3.0)
    drawn = rng.uniform(low + 0.01, high - 0.01, shape)
    if domain.row is not None and len(shape) > 1:
        drawn = drawn / drawn.sum(axis=1, keepdims=True)
    return drawn


def seconds(loss: Loss) -> float:
    """The median time of one block, nothing remembered from the block before."""
    settings = loss.check({})
    rng = np.random.default_rng(0)
    columns = {
        role.name: column(role.domain, rng) for role in loss.roles(settings) if not role.optional
    }
    if {"lower", "upper"} <= columns.keys():
        columns["upper"] = columns["lower"] + np.abs(columns["upper"])
    taken = []
    for _ in range(RUNS):
        start = perf_counter()
        with sharing({}):
            loss.evaluate(columns, settings)
        taken.append(perf_counter() - start)
    return median(taken)


def main(names: list[str]) -> None:
    """Print the table."""
    known = losses()
    chosen = [one for one in known.values() if not names or {one.name, one.label} & set(names)]
    unit = seconds(known["mean_squared_error"])
    print(f"{'loss':28} {'ns per row':>12} {'times mse':>10}")
    for loss in chosen:
        taken = seconds(loss)
        print(f"{loss.label:28} {1e9 * taken / ROWS:12.1f} {taken / unit:10.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
