"""Shares as people write them."""

from __future__ import annotations


def fraction_of(text: str) -> float:
    """`95%`, `95 %` or `0.95` as a fraction. Raises ValueError for what is no number."""
    number = text.strip().removesuffix("%").strip()
    return float(number) / (100.0 if text.strip().endswith("%") else 1.0)
