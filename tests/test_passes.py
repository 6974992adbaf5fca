"""Later passes read the files again, or a copy: no digit depends on which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lossctl import run, scoring
from lossctl.batch import Batch
from lossctl.errors import DataError
from lossctl.passes import FROM_EACH, MOST_PARTS, Some
from lossctl.plan import Plan
from tests.batches import batch

RNG = np.random.default_rng(3)
TARGET = RNG.normal(size=400) * 10.0
PRED = TARGET + RNG.standard_t(2, 400)


@pytest.fixture(params=["npy", "parquet"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    from pyarrow import parquet, table

    paths = [tmp_path / f"{side}.{request.param}" for side in ("pred", "target")]
    for path, values in zip(paths, (PRED, TARGET), strict=True):
        if request.param == "npy":
            np.save(path, values)
        else:
            parquet.write_table(table({path.stem: values}), path, row_group_size=70)
    return [str(path) for path in paths]


def report(files: list[str]) -> str:
    return run.evaluate_plan(Plan(*files, block_rows=32, nan="drop")).to_json()


def test_files_that_are_read_again_say_the_same(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = report(files)
    read: list[int] = []
    whole = scoring._batches
    monkeypatch.setattr(scoring, "IN_MEMORY", 0)
    monkeypatch.setattr(scoring, "_batches", lambda *told: read.append(1) or whole(*told))
    assert report(files) == expected
    assert len(read) > 1


def test_a_file_that_changes_between_passes_is_refused(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scoring._batches
    made = 0

    def batches(*told):  # type: ignore[no-untyped-def]  # as it is called
        nonlocal made
        made += 1
        if made == 2:
            path = Path(files[0])
            path.write_bytes(path.read_bytes()[:-8] + b"\0" * 16)
        return whole(*told)

    monkeypatch.setattr(scoring, "IN_MEMORY", 0)
    monkeypatch.setattr(scoring, "_batches", batches)
    with pytest.raises(DataError, match=r"changed while it was read|damaged"):
        report(files)


def sized(rows: int, start: int) -> Batch:
    return batch(np.arange(start, start + rows), np.zeros(rows), start=start)


@pytest.mark.parametrize("rows", [1, 700, 5000])
@pytest.mark.parametrize("count", [1, 5, MOST_PARTS * 5])
def test_some_rows_are_few_and_from_everywhere(rows: int, count: int) -> None:
    some = Some()
    for place in range(count):
        some.add(sized(rows, rows * place))
    kept = some.joined().rows
    assert 1 <= len(kept) <= 2 * FROM_EACH * (MOST_PARTS + 1)
    assert (np.diff(kept) > 0).all()
    # Every quarter of the rows is there, where there are several.
    total = rows * count
    if count >= 5:
        assert len(np.unique(kept * 4 // total)) == 4


def test_one_batch_needs_no_sample(files: list[str]) -> None:
    text = run.evaluate_plan(Plan(*files, nan="drop")).to_json()
    assert report(files) == text
