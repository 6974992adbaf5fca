"""Numbers inside sentences."""

from __future__ import annotations


def p_value(p: float) -> str:
    """`p 0.71`, `p < 1e-9`."""
    if p < 1e-9:
        return "p < 1e-9"
    return f"p {p:.2g}" if p >= 1e-4 else f"p {p:.0e}".replace("e-0", "e-")


def change(share: float) -> str:
    """`-48 %` of what is saved."""
    return f"-{100 * share:.0f} %" if share >= 0.0995 else f"-{100 * share:.1f} %"
