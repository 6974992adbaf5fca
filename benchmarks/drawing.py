"""Columns drawn from the domains of a loss's roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossctl.arrays import Domain, Ragged, offsets_of
from lossctl.loss import Loss
from lossctl.sequences import encode

SIZES = {"classes": 10, "dimensions": 16, "pixels": 64, "members": 20, "symbols": 30}
ALPHABET = np.array(list("abcdefghijklmnop"))


def columns_of(loss: Loss, settings: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Every role that must be there, the same at every call."""
    rng = np.random.default_rng(0)
    wanted = [role for role in loss.roles(settings) if not role.optional]
    columns = {role.name: column(role.domain, rows, rng) for role in wanted}
    if {"lower", "upper"} <= columns.keys():
        columns["upper"] = columns["lower"] + np.abs(columns["upper"])
    return columns


def column(domain: Domain, rows: int, rng: np.random.Generator) -> Any:
    """Values inside a domain, in its shape."""
    size = [SIZES.get(axis, 4) for axis in domain.axes]
    if domain.shape == "text":
        return encode("".join(rng.choice(ALPHABET, 40)) for _ in range(rows))
    if domain.shape == "ragged":
        lengths = np.full(rows, 40 if domain.axes else 8)
        offsets = offsets_of(lengths)
        if domain.axes:
            return Ragged(values(domain, (int(offsets[-1]), *size), rng), offsets)
        tokens = rng.integers(1, SIZES[domain.indexes or "symbols"], int(offsets[-1]))
        return Ragged(tokens.astype(np.float64), offsets)
    if domain.shape == "whole":
        return values(domain, tuple(size) or (60,), rng)
    width = [domain.width] if domain.width else size
    return values(domain, (rows, *width) if domain.shape == "vector" else (rows,), rng)


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


def arrays_of(columns: Mapping[str, Any], wholes: tuple[str, ...]) -> list[Any]:
    """What is read of the columns that go with the rows: values, and where rows of lists begin."""
    found = []
    for name, held in columns.items():
        if name not in wholes:
            found += [held.values, held.offsets] if isinstance(held, Ragged) else [held]
    return found
