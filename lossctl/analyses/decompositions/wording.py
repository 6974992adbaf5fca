"""Numbers inside sentences."""

from __future__ import annotations


def short(value: float) -> str:
    """Three digits, and whole numbers in full: 0.0284, 3.94, 21670."""
    return f"{value:.0f}" if 999.5 <= abs(value) < 1e7 else f"{value:.3g}"


def percent(share: float) -> str:
    """`63 %`, `1.9 %`."""
    if share == 0.0 or 0.0995 <= share < 0.995 or share == 1.0:
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "less than 0.1 %"
    return f"{100 * share:.1f} %" if share > 0.5 else f"{100 * share:.2g} %"
