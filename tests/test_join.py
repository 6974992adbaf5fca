"""Rows joined by a key: keys as integers and as text, their order, and what a join may hold."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import lossctl
from lossctl import join
from lossctl.errors import DataError
from lossctl.filled import Filled
from lossctl.keys import KeyColumn, places_of, plain_integers, repeats, text_of, text_order
from lossctl.readers.arrow import utf8
from lossctl.readers.source import Cells, Rows, joined

INT64 = st.integers(-(2**63), 2**63 - 1)
SHORT = st.integers(-1200, 1200)
ODD = st.sampled_from(
    ["007", "+5", "-0", "0x1F", "0xFFFFFFFF", " 7", "7 ", "1e3", "", "٣", "--5", "-", "1_0", "5.0",
     "9223372036854775807", "9223372036854775808", "-9223372036854775808", "a"]
)  # fmt: skip


def whole(text: str) -> bool:
    """Whether a text is the one plain form of an integer of 64 bits."""
    return bool(re.fullmatch(r"0|-?[1-9][0-9]*", text)) and -(2**63) <= int(text) < 2**63


@given(
    texts=st.lists(st.one_of(INT64.map(str), SHORT.map(str), ODD), min_size=1, max_size=12),
    skipped=st.integers(0, 3),
    kind=st.sampled_from([pa.string(), pa.large_string()]),
)
@example(["4294967295", "1"], 0, pa.string())
@example(["0xFFFFFFFF", "1"], 0, pa.string())
@example(["07", "+8"], 0, pa.string())
def test_only_plain_integers_are_integers(texts: list[str], skipped: int, kind: Any) -> None:
    found = plain_integers(pa.array(texts, kind)[skipped:])
    expected = [int(text) for text in texts[skipped:] if whole(text)]
    if len(expected) == len(texts[skipped:]) > 0:
        assert found is not None
        assert found.tolist() == expected
    else:
        assert found is None


@given(
    keys=st.one_of(
        st.lists(SHORT, unique=True, min_size=1),
        st.lists(st.integers(0, 10**6), unique=True, min_size=1),
        st.lists(st.integers(-(10**17) + 1, 10**17 - 1), unique=True, min_size=1),
        st.lists(INT64, unique=True, min_size=1),
    )
)
@example([1, 10, 100, 11, 2, 0, -1, -10, -2])
@example([1, 10**18, 10, 2, 9 * 10**18, -(2**63), 2**63 - 1, 0, -1, -(10**17)])
@example([10**17 - 1, 1 - 10**17, 0, 10**16, -(10**16)])
def test_keys_have_the_order_of_their_texts(keys: list[int]) -> None:
    order = text_order(np.array(keys, dtype=np.int64))
    assert [keys[place] for place in np.argsort(order)] == sorted(keys, key=str)
    texts = text_order(pa.array([str(key) for key in keys]))
    assert (np.argsort(texts) == np.argsort(order)).all()


@given(
    keys=st.one_of(st.lists(SHORT, unique=True), st.lists(INT64, unique=True)),
    among=st.one_of(st.lists(SHORT, unique=True), st.lists(INT64, unique=True)),
    far=st.booleans(),
)
def test_places_of_keys(keys: list[int], among: list[int], far: bool) -> None:
    among = [*among, *(key for key in keys[::2] if key not in among), *([2**63 - 1] * far)]
    among = list(dict.fromkeys(among))
    found = places_of(np.array(keys, dtype=np.int64), np.array(among, dtype=np.int64))
    assert found.tolist() == [among.index(key) if key in among else -1 for key in keys]


@given(
    keys=st.one_of(st.lists(st.integers(0, 30)), st.lists(st.sampled_from([-(2**63), 5, 2**62])))
)
def test_whether_a_key_comes_twice(keys: list[int]) -> None:
    assert repeats(np.array(keys, dtype=np.int64)) == (len(set(keys)) < len(keys))


@given(
    blocks=st.lists(st.lists(st.one_of(SHORT.map(str), ODD), min_size=1, max_size=4), min_size=1)
)
def test_keys_of_a_text_file_stay_the_texts(blocks: list[list[str]]) -> None:
    column = KeyColumn(None)
    for block in blocks:
        column.add(Cells(pa.array(block)))
    keys = column.finish()
    texts = [text for block in blocks for text in block]
    assert text_of(keys).to_pylist() == texts
    assert isinstance(keys, np.ndarray) == all(whole(text) for text in texts)


@given(
    blocks=st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4), min_size=1),
    known=st.booleans(),
)
@example([[2**63], [1]], True)
@example([[2**63 - 1, 1]], True)
@example([[1, 2], [2**64 - 2048, 3], [2**53 + 1]], True)
def test_keys_of_a_binary_file_are_exact(blocks: list[list[int]], known: bool) -> None:
    column = KeyColumn(sum(map(len, blocks)) if known else None)
    for block in blocks:
        exact = all(int(float(key)) == key for key in block)
        column.add(Cells(np.array(block, dtype=np.float64 if exact else np.uint64)))
    assert text_of(column.finish()).to_pylist() == [str(key) for block in blocks for key in block]


def test_a_row_without_a_key_is_named_by_its_number() -> None:
    column = KeyColumn(4)
    column.add(Cells(np.array([1.0, 2.0])))
    column.add(Cells(np.array([3.0, np.nan]), np.array([False, True])))
    assert column.lacking == 3


@pytest.mark.parametrize("known", [True, False])
def test_a_column_is_put_together_from_any_blocks(known: bool) -> None:
    floats, exact = Cells(np.array([1.0, 2.0])), Cells(np.array([2**53 + 1, 3]))
    lacking = Cells(np.array([np.nan, 5.0]), np.array([True, False]))
    wide = Cells(np.arange(4.0).reshape(2, 2))
    for parts in ([floats], [floats, floats], [floats, exact], [floats, lacking, floats], [lacking],
                  [exact, floats], [wide, wide], [Cells(pa.array(["a", "b"]))] * 2):  # fmt: skip
        column = Filled(2 * len(parts) if known else None)
        for part in parts:
            column.add(part)
        found, expected = column.finish(), joined([Rows(2, [part]) for part in parts]).cells[0]
        assert len(found.values) == 2 * len(parts)
        if isinstance(expected.values, np.ndarray):
            assert found.values.dtype == expected.values.dtype
            np.testing.assert_array_equal(found.values, expected.values)
        else:
            assert found.values.equals(expected.values)
        np.testing.assert_array_equal(found.missing, expected.missing)


@given(texts=st.lists(st.text(max_size=4), min_size=1, max_size=6), skipped=st.integers(0, 5))
def test_texts_as_bytes(texts: list[str], skipped: int) -> None:
    for kind in (pa.string(), pa.large_string()):
        found = utf8(pa.array(texts, kind)[skipped:])
        rows = [found.row(index).tobytes().decode() for index in range(len(found))]
        assert rows == texts[skipped:]


# --- whole commands ---------------------------------------------------------------------------


def write(folder: Path, name: str, form: str, columns: dict[str, Any]) -> str:
    path = folder / f"{name}.{form}"
    if form == "parquet":
        pq.write_table(pa.table(columns), path, row_group_size=5)
    elif form == "npz":
        np.savez(path, **{name: np.asarray(values) for name, values in columns.items()})
    else:
        pyarrow.csv.write_csv(pa.table(columns), path)
    return str(path)


KEYS = {
    "dense": [9, 10, 1, 100, 2, 11, 90, 3],
    "sparse": [9 * 10**17, -(10**18), 7, 10, -3, -30, 70, 71],
    "beyond float64": [2**53 + 1, 2**53 + 3, 2**62 + 1, 1, 2, 3, 4, 5],
    "ends": [2**63 - 1, -(2**63), 1, 10, 2, -3, 4, 5],
    "at int64": [2**63, 2**63 + 2048, 1, 10, 2, 3, 4, 5],
    "beyond int64": [2**63 + 1, 2**64 - 1, 1, 10, 2, 3, 4, 5],
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_every_format_and_order_pairs_the_same_rows(tmp_path: Path, keys: list[int]) -> None:
    """All errors are alike, so that the worst rows are told by the order of their keys."""
    array = np.array(keys, dtype=np.uint64 if max(keys) >= 2**63 else np.int64)
    pred = {"id": array, "pred": np.arange(8.0)}
    back = {"id": array[::-1], "target": np.arange(8.0)[::-1] + 1.0}
    worst = sorted(range(8), key=lambda row: str(keys[row]))[:5]
    for left in ("parquet", "npz", "csv"):
        for right in ("parquet", "csv"):
            files = write(tmp_path, "p", left, pred), write(tmp_path, "t", right, back)
            report = lossctl.evaluate(*files, "mae", on="id", top=5, block_rows=3)
            assert report.losses[0].value == 1.0
            assert report.worst is not None
            rows = report.worst.rows
            assert [row.row for row in rows] == worst
            assert [row.id for row in rows] == [str(keys[row]) for row in worst]
            assert [row.target_row for row in rows] == [7 - row for row in worst]


def test_a_decimal_key_may_be_larger_than_64_bits(tmp_path: Path) -> None:
    keys = pa.array([10**30, 10**30 + 1, 5], pa.decimal128(38, 0))
    pred = write(tmp_path, "p", "parquet", {"id": keys, "pred": [1.0, 2.0, 3.0]})
    other = write(tmp_path, "t", "parquet", {"id": keys[::-1], "target": [3.0, 2.0, 1.0]})
    assert lossctl.evaluate(pred, other, "mae", on="id").losses[0].value == 0.0


def test_a_text_key_is_not_the_number_it_reads_as(tmp_path: Path) -> None:
    pred = write(tmp_path, "p", "parquet", {"id": [7, 8], "pred": [1.0, 2.0]})
    for text, lonely in (("007", "'7'"), ("+7", "'7'"), ("7.0", "'7'")):
        other = tmp_path / "t.csv"
        other.write_text(f"id,target\n{text},1\n8,2\n")
        with pytest.raises(DataError, match=re.escape(f"1 key of {pred} is not in")) as caught:
            lossctl.evaluate(pred, str(other), "mae", on="id")
        assert lonely in str(caught.value)


def test_a_join_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"id": np.arange(1000), "pred": np.arange(1000.0)}
    binary = write(tmp_path, "p", "parquet", columns)
    text = write(tmp_path, "t", "csv", columns)
    monkeypatch.setattr(join, "JOIN_LIMIT", 60_000)
    with pytest.raises(DataError, match="would hold"):  # the file says how many rows it has
        lossctl.evaluate(binary, binary, "mae", on="id")
    with pytest.raises(DataError, match="joining by a key holds"):
        lossctl.evaluate(text, text, "mae", on="id", block_rows=100)
    monkeypatch.setattr(join, "JOIN_LIMIT", 200_000)
    assert lossctl.evaluate(text, text, "mae", on="id").losses[0].value == 0.0
