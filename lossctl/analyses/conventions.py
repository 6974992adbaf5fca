"""Why one loss comes out differently by the conventions of different libraries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lossctl.report import Note
from lossctl.spec import Spec, written

HERE = "lossctl"  # what a spec without `like` goes by
_DIVIDED = {
    "mean": "by the weights",
    "sum": "by nothing",
    "sum_over_batch_size": "by the rows, whatever their weights",
    "sum_by_nonzero_weights": "by the rows whose weight is not 0",
    "batchmean": "by the rows, whatever their weights",
    "mean_over_elements": "by the elements of all rows",
    "ratio": "by the other sum, once over all rows",
}


def notes(specs: Iterable[Spec]) -> list[Note]:
    """A note for every loss that stands here by more than one convention and so may differ."""
    groups: dict[str, list[Spec]] = {}
    for spec in specs:
        groups.setdefault(spec.loss.name, []).append(spec)
    found = (_said(group) for group in groups.values() if len({s.like for s in group}) > 1)
    return [Note("conventions", text) for text in found if text]


def _said(specs: Sequence[Spec]) -> str:
    """`bce: torch log_clamp=-100; keras eps=1e-07 ...`, then what these settings do."""
    told = [{**spec.all_settings, "reduction": spec.reduction.name} for spec in specs]
    names = [name for name in told[0] if len({written(one[name]) for one in told}) > 1]
    if not names:
        return ""
    parts = []
    for spec, one in zip(specs, told, strict=True):
        own = [f"{name}={_short(one[name])}" for name in names if one[name] not in (None, False)]
        parts.append(f"{spec.like or HERE} " + (", ".join(own) or "none of these"))
    meaning = "; ".join(_meaning(specs[0], names, told))
    return f"{specs[0].loss.label}: {'; '.join(parts)} ({meaning})"


def _meaning(spec: Spec, names: Sequence[str], told: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What each setting does, in the words of its help, less what they add in parentheses."""
    for setting in spec.loss.settings:
        if setting.name in names:
            yield f"{setting.name}: {setting.param.help.partition(' (')[0].rstrip(';:, ')}"
    if "reduction" in names:
        used = dict.fromkeys(one["reduction"] for one in told)
        words = [f"{name} {_DIVIDED[name]}" for name in used if name in _DIVIDED]
        yield "reduction, what the sum is divided by: " + ", ".join(words)


def _short(value: Any) -> str:
    """A setting as specs have it, numbers to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else written(value)
