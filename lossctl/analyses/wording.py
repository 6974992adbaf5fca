"""Numbers inside sentences."""

from __future__ import annotations

from collections.abc import Sequence


def short(value: float) -> str:
    """Three digits, and whole numbers in full: 0.0284, 3.94, 21670."""
    return f"{value:.0f}" if 999.5 <= abs(value) < 1e7 else f"{value:.3g}"


def signed(value: float) -> str:
    """`+3.94`, `-0.4`."""
    return f"{'-' if value < 0.0 else '+'}{short(abs(value))}"


def percent(share: float) -> str:
    """`63 %`, `1.9 %`."""
    if share == 0.0 or 0.0995 <= share < 0.995 or share == 1.0:
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "less than 0.1 %"
    if share > 1.0:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if share > 0.5 else f"{100 * share:.2g} %"


def counted(count: int, noun: str = "row") -> str:
    """`1 row`, `3 rows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def rows_or_weight(of: str) -> str:
    """What a share is of, inside a sentence: `rows`, `the weight`."""
    return "the weight" if of == "weight" else of


def listed(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`."""
    beyond = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{beyond}"


def p_value(p: float) -> str:
    """`p 0.71`, `p < 1e-9`."""
    if p < 1e-9:
        return "p < 1e-9"
    return f"p {p:.2g}" if p >= 1e-4 else f"p {p:.0e}".replace("e-0", "e-")


def change(share: float) -> str:
    """`-48 %` of what is saved."""
    return f"-{100 * share:.0f} %" if share >= 0.0995 else f"-{100 * share:.1f} %"
