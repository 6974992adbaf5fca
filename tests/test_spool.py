"""What is spooled comes back, from memory and from the file, as often as wanted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl import spool
from lossctl.arrays import Ragged
from lossctl.batch import Batch
from lossctl.spool import Spool

LISTS = [[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0], [], [7.0]]


def ragged(rows: list[list[float]], kind: Any = float) -> Ragged:
    offsets = np.cumsum([0, *(len(row) for row in rows)])
    return Ragged(np.array([value for row in rows for value in row], dtype=kind), offsets)


def batches() -> list[Batch]:
    """Every kind of column, in three blocks of two rows."""
    made = []
    for start in (0, 2, 4):
        rows = np.arange(start, start + 2)
        columns = {
            "pred": rows * 1.5,
            "target": np.array([2**60 + 1, start]) if start else rows * 1.0,
            "box": np.arange(8.0).reshape(2, 4) + start,
            "tokens": ragged(LISTS[start : start + 2]),
            "train": np.array([1.0, 2.0, 4.0]),
        }
        ids = ragged([[104, 105], []], np.uint8)
        made.append(Batch(columns, frozenset({"train"}), rows + 0.5, rows, rows[::-1].copy(),
                          rows + 100, ids))  # fmt: skip
    made.append(Batch({"pred": np.empty(0), "target": np.empty(0)}, frozenset(), None,
                      *[np.empty(0, dtype=np.int64)] * 2))  # fmt: skip
    return made


def plain(value: Any) -> Any:
    if isinstance(value, Ragged):
        return ("ragged", plain(value.values), plain(value.offsets))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tolist())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value


def parts(one: Batch) -> Any:
    names = ("columns", "wholes", "weight", "rows", "order", "target_rows", "ids")
    return [plain(getattr(one, name)) for name in names]


@pytest.mark.parametrize("held", [0, 400, 1 << 20])
def test_batches_come_back(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", held)
    kept = Spool()
    for one in batches():
        one.memo["x"] = (1, ())
        one.derived["x"] = 1
        kept.add(one)
    expected = [parts(one) for one in batches()]
    for _ in range(3):
        again = list(kept.batches())
        assert [parts(one) for one in again] == expected
        assert all(not one.memo and not one.derived for one in again)
        again[0].derived["y"] = 1
    assert (kept._file is None) == (held == 1 << 20)
    kept.close()


def test_a_limit_is_kept() -> None:
    kept = Spool(limit=100)
    with pytest.raises(lossctl.DataError, match="exceeds 100 bytes"):
        for one in batches():
            kept.add(one)


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", 0)
    full = Path("/dev/full").open("w+b", buffering=0)  # noqa: SIM115  the spool closes it
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
    kept = Spool()
    with pytest.raises(lossctl.DataError, match="No space left on device"):
        for one in batches():
            kept.add(one)
        list(kept.batches())
    kept.close()


def test_a_report_does_not_mind_the_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    pred, target = rng.normal(size=90), rng.normal(size=90)
    ids = [f"row {place}" for place in range(90)]
    how = {"ids": ids, "weight": rng.random(90), "block_rows": 16}
    expected = lossctl.evaluate(pred, target, **how).to_json()
    monkeypatch.setattr(spool, "IN_MEMORY", 1000)
    assert lossctl.evaluate(pred, target, **how).to_json() == expected
