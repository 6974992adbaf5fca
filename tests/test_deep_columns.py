"""Columns deeper than one number a row: arrays of more dimensions, words, lists of vectors."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from lossctl.arrays import Ragged
from lossctl.errors import DataError
from lossctl.readers import open_source
from lossctl.readers.memory import MemorySource
from lossctl.readers.source import ReadOptions, Wanted, joined
from lossctl.sequences import SEPARATOR, decode, encode, is_text

WORDS = [["to", "be"], [], ["né", ""], ["or"]]
VECTORS = [[[1.0, 2.0], [3.0, 4.0]], [], [[5.0, 6.0]], [[7.0, 8.0], [9.0, 0.5], [1.5, 2.5]]]


def read(path: Any, size: int = 3, **options: Any) -> Any:
    """The one column of a file, its blocks joined."""
    source = path
    if not isinstance(path, MemorySource):
        source = open_source(str(path), ReadOptions(**options))
    with contextlib.closing(source):
        return joined(list(source.blocks([Wanted(0)], size))).cells[0]


def column(path: Path, **options: Any) -> Any:
    with contextlib.closing(open_source(str(path), ReadOptions(**options))) as source:
        return source.columns[0]


def jsonl(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps({"x": value}) + "\n" for value in values), encoding="utf-8")
    return path


def parquet(path: Path, values: list[Any], kind: Any = None) -> Path:
    pyarrow.parquet.write_table(pyarrow.table({"x": pyarrow.array(values, kind)}), path)
    return path


# --- arrays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 2, 3), (7, 2, 3, 2), (7, 1, 1), (1, 4, 2)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_arrays_of_more_dimensions(
    shape: tuple[int, ...], order: str, size: int, tmp_path: Path
) -> None:
    array = np.random.default_rng(1).normal(size=shape)
    np.save(tmp_path / "a.npy", np.asarray(array, order=order))  # type: ignore[call-overload]  # a text of either kind
    np.savez(tmp_path / "a.npz", a=np.asarray(array, order=order))  # type: ignore[call-overload]  # as above
    for name in ("a.npy", "a.npz"):
        assert read(tmp_path / name, size).values.tobytes() == array.tobytes()
        assert column(tmp_path / name).axes == shape[1:]
        assert column(tmp_path / name).width == int(np.prod(shape[1:]))


@pytest.mark.parametrize("size", [1, 2, 50])
def test_time_first(size: int, tmp_path: Path) -> None:
    array = np.random.default_rng(2).normal(size=(4, 5, 3))
    np.save(tmp_path / "tbc.npy", np.ascontiguousarray(array.transpose(1, 0, 2)))
    np.savez(tmp_path / "tbc.npz", a=np.ascontiguousarray(array.transpose(1, 0, 2)))
    for name in ("tbc.npy", "tbc.npz"):
        found = read(tmp_path / name, size, layout="TBC").values
        assert found.shape == (4, 5, 3)
        assert found.tobytes() == array.tobytes()
        assert column(tmp_path / name, layout="TBC").axes == (5, 3)
    np.save(tmp_path / "f.npy", np.asfortranarray(array))
    with pytest.raises(DataError, match="Fortran"):
        read(tmp_path / "f.npy", layout="TBC")


def test_other_arrays_have_their_rows_first_whatever_the_layout(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(3, 2))
    assert read(tmp_path / "a.npy", layout="TBC").values.shape == (3, 2)


# --- words ------------------------------------------------------------------------------------


def words(cells: Any) -> list[Any]:
    assert is_text(cells.values)
    return [decode(cells.values.row(place)) or [] for place in range(len(cells.values))]


@pytest.mark.parametrize("size", [1, 2, 9])
def test_lists_of_words(size: int, tmp_path: Path) -> None:
    large = pyarrow.large_list(pyarrow.large_string())
    for path in (
        jsonl(tmp_path / "w.jsonl", WORDS),
        parquet(tmp_path / "w.parquet", WORDS),
        parquet(tmp_path / "l.parquet", WORDS, large),
    ):
        assert column(path).kind == "words"
        assert words(read(path, size)) == WORDS
    assert words(read(MemorySource("m", {"x": WORDS}), size)) == WORDS
    assert words(read(MemorySource("m", {"x": [["a", "b"], ["c", "d"]]}), size)) == [
        ["a", "b"],
        ["c", "d"],
    ]


def test_an_empty_list_first_does_not_decide(tmp_path: Path) -> None:
    assert words(read(jsonl(tmp_path / "w.jsonl", [[], ["a"], []]))) == [[], ["a"], []]
    assert column(jsonl(tmp_path / "v.jsonl", [[], [[1, 2]]])).kind == "vectors"
    assert column(jsonl(tmp_path / "n.jsonl", [[], []])).kind == "list"


@pytest.mark.parametrize("bad", [["a", 1], "a", 3, ["a", None], [["a"]]])
def test_what_is_no_list_of_words(bad: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3"):
        read(jsonl(tmp_path / "w.jsonl", [["a"], ["b"], bad]))


def test_a_null_among_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="null"):
        read(parquet(tmp_path / "w.parquet", [["a", None]]))
    cells = read(parquet(tmp_path / "n.parquet", [["a"], None, ["b"]]))
    assert cells.missing.tolist() == [False, True, False]


# --- vectors ----------------------------------------------------------------------------------


def vectors(cells: Any) -> list[Any]:
    assert isinstance(cells.values, Ragged)
    return [cells.values.row(place).tolist() for place in range(len(cells.values))]


@pytest.mark.parametrize("size", [1, 2, 9])
def test_lists_of_vectors(size: int, tmp_path: Path) -> None:
    fixed = pyarrow.list_(pyarrow.list_(pyarrow.float64(), 2))
    full = [row for row in VECTORS if row]
    for path in (
        jsonl(tmp_path / "v.jsonl", full),
        parquet(tmp_path / "v.parquet", full),
        parquet(tmp_path / "f.parquet", full, fixed),
    ):
        assert column(path).kind == "vectors"
        assert vectors(read(path, size)) == full
    assert vectors(read(MemorySource("m", {"x": VECTORS}), size)) == VECTORS
    assert vectors(read(parquet(tmp_path / "e.parquet", VECTORS), 9)) == VECTORS


def test_vectors_of_unlike_lengths(tmp_path: Path) -> None:
    bad = [[[1, 2]], [[3, 4], [5]]]
    for path in (jsonl(tmp_path / "v.jsonl", bad), parquet(tmp_path / "v.parquet", bad)):
        with pytest.raises(DataError):
            read(path)
    with pytest.raises(DataError):
        MemorySource("m", {"x": bad})


@pytest.mark.parametrize("bad", [[[1, None]], [[1, "a"]], [1], "x"])
def test_what_is_no_list_of_vectors(bad: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read(jsonl(tmp_path / "v.jsonl", [[[1, 2]], bad]))


# --- how sequences are held -------------------------------------------------------------------


def test_texts_and_words_come_back() -> None:
    rows: list[str | list[str]] = ["", "né", "\U0001f600", ["a", "", "bc"], "a"]
    held = encode(rows)
    assert [decode(held.row(place)) for place in range(len(held))] == rows
    assert held.row(3).tolist() == [SEPARATOR, 97, SEPARATOR, SEPARATOR, 98, 99]
    assert encode([]).offsets.tolist() == [0]
    joint = Ragged.join([encode(["ab"]), encode([["c"]])])
    assert is_text(joint)
    assert decode(joint.row(1)) == ["c"]
