"""Parquet: every type of column, nulls, exact decimals and integers, and damage."""

import contextlib
import io
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossctl.arrays import Ragged
from lossctl.errors import DataError, LossctlError
from lossctl.readers import arrow, open_source, parquet
from lossctl.readers.footer import FooterError, values_per_chunk
from lossctl.readers.source import Cells, ReadOptions, Rechunker, Rows, Wanted

SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(path: Path, columns: dict, **options: object) -> str:
    pq.write_table(pa.table(columns), path / "x.parquet", **options)
    return str(path / "x.parquet")


def cells(path: str, wanted: Wanted | None = None, size: int = 1 << 20) -> Cells:
    """One column, whole."""
    source = open_source(path, ReadOptions())
    try:
        cutter = Rechunker(1 << 30)
        for rows in source.blocks([wanted or Wanted(0)], size):
            assert not list(cutter.push(Rows(rows.count, rows.cells)))
        (whole,) = cutter.finish()
    finally:
        source.close()
    return whole.cells[0]


def refused(path: str, wanted: Wanted | None = None, limit: int = 1 << 30) -> str:
    with pytest.raises(DataError) as caught:
        source = open_source(path, ReadOptions(max_expansion=limit))
        with contextlib.closing(source):
            list(source.blocks([wanted or Wanted(0)], 1000))
    assert "\n" not in str(caught.value)
    return str(caught.value)


INTEGERS = {
    f"{sign}int{bits}": (
        -(1 << bits - 1) if not sign else 0,
        (1 << bits - (not sign)) - 1,
    )
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}


@SETTINGS
@given(data=st.data(), size=st.integers(1, 5))
@pytest.mark.parametrize("kind", INTEGERS)
def test_integers_are_exact(tmp_path: Path, data: st.DataObject, size: int, kind: str) -> None:
    low, high = INTEGERS[kind]
    numbers = st.one_of(st.none(), st.integers(low, high), st.sampled_from([low, high]))
    column = data.draw(st.lists(numbers, min_size=1, max_size=12))
    path = write(tmp_path, {"x": pa.array(column, kind)}, row_group_size=3)
    found = cells(path, size=size)
    lacking = [value is None for value in column]
    assert (found.missing is None and not any(lacking)) or found.missing.tolist() == lacking
    for value, number in zip(found.values.tolist(), column, strict=True):
        if number is None:
            assert value == 0 or np.isnan(value)
        else:
            assert int(value) == number


@SETTINGS
@given(
    column=st.lists(
        st.one_of(
            st.none(),
            st.decimals(-(10**15), 10**15, places=6),
            st.sampled_from([Decimal("0.1"), Decimal("123456789.123456"), Decimal("1E+20")]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_decimals_are_rounded_once(tmp_path: Path, column: list) -> None:
    path = write(tmp_path, {"x": pa.array(column, pa.decimal128(38, 6))})
    for value, decimal in zip(cells(path).values.tolist(), column, strict=True):
        expected = float("nan") if decimal is None else float(Fraction(decimal))
        assert value == expected or (decimal is None and np.isnan(value))


def test_whole_decimals_stay_exact_where_64_bits_hold_them(tmp_path: Path) -> None:
    kind = pa.decimal128(38, 0)
    for column in ([2**53 + 1, -(2**63)], [2**64 - 1, 0]):
        path = write(tmp_path, {"x": pa.array([Decimal(number) for number in column], kind)})
        assert cells(path).values.tolist() == column
    path = write(tmp_path, {"x": pa.array([Decimal(10**30 + 1)], kind)})
    assert cells(path).values.tolist() == [float(10**30 + 1)]


def test_floats_booleans_and_nulls(tmp_path: Path) -> None:
    half = pa.array(np.array([0.1, 65504, np.nan], np.float16))
    columns = {
        "half": half,
        "single": pa.array([0.1, None, float("nan")], pa.float32()),
        "flag": [True, None, False],
        "none": pa.nulls(3),
        "level": pa.array([1.5, None, 2.5]).dictionary_encode(),
    }
    path = write(tmp_path, columns)
    source = open_source(path, ReadOptions())
    found = [(column.kind, column.width) for column in source.columns]
    source.close()
    assert [kind for kind, _ in found] == ["number", "number", "boolean", "other", "number"]
    half_found = cells(path, Wanted(0))
    assert half_found.missing is None
    np.testing.assert_array_equal(half_found.values, [float(np.float16(0.1)), 65504, np.nan])
    single = cells(path, Wanted(1))
    assert single.missing.tolist() == [False, True, False]
    np.testing.assert_array_equal(single.values, [float(np.float32(0.1)), np.nan, np.nan])
    np.testing.assert_array_equal(cells(path, Wanted(2)).values, [1, np.nan, 0])
    assert cells(path, Wanted(3)).missing.all()
    np.testing.assert_array_equal(cells(path, Wanted(4)).values, [1.5, np.nan, 2.5])


@pytest.mark.parametrize("size", [1, 2, 100])
def test_lists_are_rows(tmp_path: Path, size: int) -> None:
    lists = [[1.5, 2.5], [], None, [3.5, None], [4.5], [2.0**70]]
    large = pa.array([None if row is None else row for row in lists], pa.large_list(pa.float64()))
    for column in (pa.array(lists, pa.list_(pa.float64())), large):
        path = write(tmp_path, {"x": column}, row_group_size=4)
        source = open_source(path, ReadOptions())
        assert (source.columns[0].kind, source.columns[0].width) == ("list", -1)
        source.close()
        found = cells(path, size=size)
        assert isinstance(found.values, Ragged)
        assert found.missing.tolist() == [False, False, True, True, False, False]
        rows = [found.values.row(index).tolist() for index in range(6)]
        assert rows[:3] == [[1.5, 2.5], [], []]
        assert rows[3][0] == 3.5
        assert np.isnan(rows[3][1])
        assert rows[4:] == [[4.5], [2.0**70]]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_lists_of_one_length_are_vectors(tmp_path: Path, size: int) -> None:
    lists = [[1, 2], None, [3, None], [4, 5]]
    path = write(tmp_path, {"x": pa.array(lists, pa.list_(pa.int32(), 2))}, row_group_size=3)
    source = open_source(path, ReadOptions())
    assert (source.columns[0].kind, source.columns[0].width) == ("list", 2)
    source.close()
    found = cells(path, size=size)
    assert found.values.shape == (4, 2)
    assert found.missing.tolist() == [False, True, True, False]
    assert found.values[[0, 3]].tolist() == [[1, 2], [4, 5]]


def test_text_of_every_type(tmp_path: Path) -> None:
    columns = {
        "string": ["NA", None, "é"],
        "large": pa.array(["NA", None, "é"], pa.large_string()),
        "category": pa.array(["NA", None, "é"]).dictionary_encode(),
        "bytes": pa.array([b"NA", None, "é".encode()]),
        "int": pa.array([2**63 - 1, None, -1]),
        "float": pa.array([5.0, None, 0.1]),
        "flag": [True, None, False],
        "date": pa.array([0, None, 1], pa.date32()),
        "decimal": pa.array([Decimal("1.50"), None, Decimal("-2.00")]),
    }
    path = write(tmp_path, columns)
    expected = [["NA", None, "é"]] * 4 + [
        ["9223372036854775807", None, "-1"],
        ["5.0", None, "0.1"],
        ["true", None, "false"],
        ["1970-01-01", None, "1970-01-02"],
        ["1.50", None, "-2.00"],
    ]
    for index, texts in enumerate(expected):
        found = cells(path, Wanted(index, "text"))
        assert found.values.to_pylist() == texts
        assert found.missing.tolist() == [False, True, False]
    assert "holds string, not numbers" in refused(path, Wanted(0))
    assert "holds date32[day], not numbers" in refused(path, Wanted(7))


def test_slices_of_arrays() -> None:
    """Arrow arrays may begin anywhere in their buffers, also within a byte of bits."""
    for column, kind in (
        ([1, None, 3, 4], pa.int16()),
        ([True, None, False, True], pa.bool_()),
        ([0.5, None, -2.5, 4.0], pa.float16()),
        ([Decimal("1.5"), None, Decimal("2.5"), Decimal(4)], pa.decimal128(5, 1)),
    ):
        array = pa.array(column, kind)
        for start in range(4):
            found = arrow.numbers(array[start:], "x")
            expected = [np.nan if value is None else float(value) for value in column[start:]]
            np.testing.assert_array_equal(found.values, expected)
            texts = arrow.text(array[start:], "x").values.to_pylist()
            assert texts == arrow.text(array, "x").values.to_pylist()[start:]
    lists = [[1, 2], None, [3, 4], [5, 6]]
    for start in range(4):
        vectors = arrow.numbers(pa.array(lists, pa.list_(pa.int8(), 2))[start:], "x").values
        ragged = arrow.numbers(pa.array(lists)[start:], "x").values
        for index, row in enumerate(lists[start:]):
            assert ragged.row(index).tolist() == (row or [])
            assert row is None or vectors[index].tolist() == row


def test_columns_of_one_name_and_names_with_points(tmp_path: Path) -> None:
    names = ["a", "a.b", "a", "", "A"]
    table = pa.Table.from_arrays([pa.array([float(index)]) for index in range(5)], names)
    nested = pa.array([{"b": 9.0}])
    table = table.append_column("s", nested).append_column("s.b", pa.array([6.0]))
    pq.write_table(table, tmp_path / "x.parquet")
    source = open_source(str(tmp_path / "x.parquet"), ReadOptions())
    assert [column.name for column in source.columns] == [*names, "s", "s.b"]
    assert source.columns[5].kind == "other"
    for index in (0, 1, 2, 3, 4, 6):
        (rows,) = source.blocks([Wanted(index)], 9)
        assert rows.cells[0].values.tolist() == [float(index)]
    (rows,) = source.blocks([Wanted(6), Wanted(2), Wanted(0), Wanted(2)], 9)
    assert [found.values.tolist() for found in rows.cells] == [[6.0], [2.0], [0.0], [2.0]]
    assert [rows.count for rows in source.blocks([], 9)] == [1]
    source.close()


@pytest.mark.parametrize("named", [True, False])
def test_a_system_without_names_for_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    column = np.arange(300_000.0)  # more than one batch
    path = write(tmp_path, {"x": column}, row_group_size=70_000)
    if not named:
        monkeypatch.setattr(parquet.pyarrow, "OSFile", lambda _: io.FileIO(tmp_path / "none"))
    source = open_source(path, ReadOptions())
    assert (source._native is not None) == (named and Path("/dev/fd").exists())
    blocks = [rows.cells[0].values for rows in source.blocks([Wanted(0)], 1 << 15)]
    source.close()
    assert {len(block) for block in blocks[:-1]} == {1 << 15}
    np.testing.assert_array_equal(np.concatenate(blocks), column)


def test_files_with_nothing_to_score(tmp_path: Path) -> None:
    assert "has no rows" in refused(write(tmp_path, {"x": pa.array([], pa.float64())}))
    path = write(tmp_path, {"x": pa.array([{"a": 1.0}])})
    assert "no column of numbers or text" in refused(path)


def test_a_wrong_page_checksum_is_noticed(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"x": np.arange(1000.0)},
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
    )
    data = bytearray(Path(path).read_bytes())
    place = data.find(np.float64(500.0).tobytes())
    data[place] ^= 1
    Path(path).write_bytes(data)
    assert pq.read_table(path).num_rows == 1000  # others do not notice
    assert "CRC" in refused(path)


def test_limits_on_what_a_file_may_unpack_to(tmp_path: Path) -> None:
    path = write(tmp_path, {"x": np.zeros(1000)})
    assert "max_expansion (7999)" in refused(path, limit=7999)
    path = write(tmp_path, {"x": [[0.0] * 5000]})
    assert "5000 values" in refused(path, limit=39_999)
    path = write(tmp_path, {"x": ["y" * 1000] * 1000})
    assert Path(path).stat().st_size < 10_000
    assert "the texts of 1000 rows" in refused(path, Wanted(0, "text"), limit=999_999)


def test_the_footer_says_how_many_values_there_are(tmp_path: Path) -> None:
    columns = {
        "x": [1.5, 2.5, None],
        "l": [[1, 2, 3], [], [4]],
        "s": pa.array([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, None]),
    }
    path = write(tmp_path, columns, row_group_size=2)
    meta = pq.ParquetFile(path).metadata
    expected = [
        [meta.row_group(group).column(leaf).num_values for leaf in range(meta.num_columns)]
        for group in range(meta.num_row_groups)
    ]
    with Path(path).open("rb") as file:
        assert values_per_chunk(file) == expected
    data = Path(path).read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    for length in range(0, size, 7):
        Path(path).write_bytes(
            data[-8 - size : -8 - size + length] + length.to_bytes(4, "little") + b"PAR1"
        )
        with Path(path).open("rb") as file, pytest.raises(FooterError):
            values_per_chunk(file)


def test_damage_never_ends_the_process(tmp_path: Path) -> None:
    """Changed bytes in the footer; in a process of its own, as the library can abort."""
    columns = {"x": [1.5, 2.5, None], "l": [[1, 2, 3], [], [4]], "s": ["a", "b", None]}
    write(tmp_path, columns, row_group_size=2)
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "x.parquet")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 100


def damage(path: str) -> int:
    """Read many damaged copies; how many were refused."""
    data = Path(path).read_bytes()
    random = np.random.default_rng(0)
    count = 0
    for _ in range(600):
        damaged = bytearray(data)
        damaged[random.integers(len(data) - 1200, len(data))] = random.integers(256)
        Path(path).write_bytes(damaged)
        try:
            source = open_source(path, ReadOptions())
            with contextlib.closing(source):
                for index, column in enumerate(source.columns):
                    kind = "text" if column.kind == "text" else "number"
                    list(source.blocks([Wanted(index, kind)], 2))
        except LossctlError:
            count += 1
    return count


if __name__ == "__main__":
    print(damage(sys.argv[1]))
