"""JSON lines: values as written, or one error with its line."""

import contextlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossctl.arrays import Ragged
from lossctl.errors import DataError
from lossctl.readers import open_source
from lossctl.readers.source import ReadOptions, Wanted

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def save(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "x.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def lines(*values: str) -> str:
    """One line per value of the column `x`."""
    return "".join(f'{{"x": {value}}}\n' for value in values)


def blocks(path: str, wanted: Wanted | None = None, size: int = 2) -> list:
    with contextlib.closing(open_source(path, ReadOptions())) as source:
        rows = list(source.blocks([wanted or Wanted(0)], size))
    assert all(block.count == size for block in rows[:-1])
    return [block.cells[0] for block in rows]


def values(path: str, size: int = 2) -> list:
    return [value for cells in blocks(path, size=size) for value in cells.values.tolist()]


def refused(path: str, wanted: Wanted | None = None, size: int = 2, limit: int = 1 << 26) -> str:
    with pytest.raises(DataError) as caught:
        source = open_source(path, ReadOptions(max_line_bytes=limit))
        with contextlib.closing(source):
            list(source.blocks([wanted or Wanted(0)], size))
    return str(caught.value)


@SETTINGS
@given(
    numbers=st.lists(st.floats() | st.integers(-(2**53), 2**53), min_size=1, max_size=9),
    size=st.integers(1, 4),
)
def test_numbers_come_back_as_python_wrote_them(tmp_path: Path, numbers: list, size: int) -> None:
    path = save(tmp_path, lines(*(json.dumps(number) for number in numbers)))
    found = values(path, size)
    assert [value.hex() for value in found] == [float(number).hex() for number in numbers]


@SETTINGS
@given(
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9)
    | st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=9),
    size=st.integers(1, 4),
)
def test_integers_of_64_bits_are_exact(tmp_path: Path, numbers: list, size: int) -> None:
    found = values(save(tmp_path, lines(*map(str, numbers))), size)
    assert [int(value) for value in found] == numbers


@pytest.mark.parametrize("size", [1, 2, 9])
@pytest.mark.parametrize(
    ("cells", "line", "says"),
    [
        (["1.5", "9007199254740993"], 2, "line 1 has a decimal"),
        (["9007199254740993", "1", "2", "1.5"], 1, "line 4 has a decimal"),
        (["9007199254740993", "NaN"], 1, "line 2 has a decimal"),
        (["-1", "1", "18446744073709551615"], 3, "line 3 has one above int64, line 1 a negative"),
        (["18446744073709551615", "-1"], 1, "line 1 has one above int64, line 2 a negative"),
        (["9223372036854775808", "9007199254740993", "-1"], 2, "line 1 has one above int64"),
        (["1", "18446744073709551617"], 2, "neither float64 nor 64 bits"),
        (["1", "1" + "0" * 400], 2, "neither float64 nor 64 bits"),
        (["1", "1e400"], 2, "'1e400' is too large for float64"),
        (["1", "-1e999"], 2, "too large"),
        (["1", '"1"'], 2, "the text '1', not a number"),
        (["1", "true"], 2, "true, not a number"),
        (["true", "1"], 2, "the number '1', not true or false"),
        (["1", "[1]"], 2, "a list, not a number"),
        (["[1]", "1"], 2, "not a list of numbers"),
        (["[1]", '["1"]'], 2, "the text '1'"),
        (["[1]", "[[1]]"], 2, "a list"),
        (["[1]", "[1e400]"], 2, "'1e400' is too large for float64"),
        (["[1.5]", "[1, 9007199254740993]"], 2, "line 1 has a decimal"),
    ],
)
def test_what_one_column_cannot_hold(
    tmp_path: Path, cells: list[str], line: int, says: str, size: int
) -> None:
    found = refused(save(tmp_path, lines(*cells)), size=size)
    assert says in found
    assert f"x.jsonl line {line}, column 'x'" in found


def test_what_float64_holds_needs_no_integers(tmp_path: Path) -> None:
    path = save(tmp_path, lines("1.5", str(2**53), str(2**60), str(-(2**63)), str(2**80)))
    assert values(path, 9) == [1.5, 2.0**53, 2.0**60, -(2.0**63), 2.0**80]


def test_a_lacking_key_and_null_are_missing(tmp_path: Path) -> None:
    text = '{"x": 1, "s": "a"}\n{"s": null}\n{"x": null, "s": "null", "new": 5}\n{"x": 4}\n'
    path = save(tmp_path, text)
    with contextlib.closing(open_source(path, ReadOptions())) as source:
        assert [(column.name, column.kind) for column in source.columns] == [
            ("x", "integer"),
            ("s", "text"),
        ]
        (rows,) = source.blocks([Wanted(0), Wanted(1, "text")], 9)
    numbers, texts = rows.cells
    np.testing.assert_array_equal(numbers.values, [1, np.nan, np.nan, 4])
    assert numbers.missing.tolist() == [False, True, True, False]
    assert texts.values.to_pylist() == ["a", None, "null", None]
    assert texts.missing.tolist() == [False, True, False, True]


def test_missing_cells_beside_exact_integers(tmp_path: Path) -> None:
    (cells,) = blocks(save(tmp_path, lines("9007199254740993", "null")), size=9)
    assert cells.values.tolist() == [2**53 + 1, 0]
    assert cells.missing.tolist() == [False, True]


def test_nan_is_a_value(tmp_path: Path) -> None:
    path = save(tmp_path, lines("NaN", "Infinity", "-Infinity"))
    (cells,) = blocks(path, size=9)
    assert cells.missing is None
    assert math.isnan(cells.values[0])
    assert cells.values[1:].tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize("size", [1, 2, 9])
def test_lists_are_rows(tmp_path: Path, size: int) -> None:
    path = save(tmp_path, lines("[1, 2.5]", "[]", "null", "[3, null]", "[4]"))
    rows = []
    lacking = []
    for cells in blocks(path, size=size):
        assert isinstance(cells.values, Ragged)
        rows += [cells.values.row(index).tolist() for index in range(len(cells.values))]
        count = len(cells.values)
        lacking += [False] * count if cells.missing is None else cells.missing.tolist()
    assert rows[:3] == [[1.0, 2.5], [], []]
    assert rows[3][0] == 3
    assert rows[4] == [4]
    assert lacking == [False, False, True, True, False]


def test_kinds_of_columns(tmp_path: Path) -> None:
    first = '{"a": 1, "b": 1.5, "c": true, "d": "x", "e": [1], "f": {"g": 1}, "h": null, "i": ["x"]'
    second = '{"a": 2, "b": 2, "c": null, "d": null, "e": [], "f": null, "h": null, "i": []'
    path = save(tmp_path, f'{first}, "j": 1}}\n{second}, "j": "x"}}\n')
    with contextlib.closing(open_source(path, ReadOptions())) as source:
        found = [(column.name, column.kind, column.width) for column in source.columns]
    kinds = ["integer", "number", "boolean", "text", "list", "other", "other", "words", "integer"]
    assert found == [
        (name, kind, -1 if kind in ("list", "words") else None)
        for name, kind in zip("abcdefhij", kinds, strict=True)
    ]


def test_values_as_text(tmp_path: Path) -> None:
    path = save(tmp_path, lines("12345678901234567890123", "5.0", "true", '"é\\u0041"', "null"))
    found = [cell for cells in blocks(path, Wanted(0, "text")) for cell in cells.values.to_pylist()]
    assert found == ["12345678901234567890123", "5.0", "true", "éA", None]
    assert "an object" in refused(save(tmp_path, lines('"a"', "{}")), Wanted(0, "text"))
    half = refused(save(tmp_path, lines('"a"', '"\\ud800"')), Wanted(0, "text"))
    assert "line 2, column 'x': half a surrogate pair" in half


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"x": 1}\n{"x": 2\n', "line 2: not JSON at character"),
        ('{"x": 1} {"x": 2}\n', "line 1: not JSON at character 10 (extra data)"),
        ('{"x": 1}\n{"x": 1, "x": 2}\n', "line 2: the key 'x' comes twice"),
        ('{"x": 1}\n\n{"x": 2}\n', "line 2 is empty, line 3 is not"),
        ('[{"x": 1}]\n', "line 1 holds a list, not an object"),
        ('{"x": 1}\n5\n', "line 2 holds the number '5'"),
        ('{\n "x": 1\n}\n', "line 1: not JSON"),
        ("{}\n", "no keys"),
        ("\n\n", "no rows"),
        ('{"x": ' + "[" * 100_000, "line 1: nested too deeply"),
        ('{"x": ' + "9" * 5000 + "}", "thousands of digits"),
        (b'{"x": "\xff"}\n', "line 1: not UTF-8 at byte 7"),
        ('{"x": 1}\n'.encode("utf-16"), "not UTF-8"),
        ('{"x": "a\0"}\n', "not JSON"),
        ('{"x": 0x10}\n', "not JSON"),
        ('{"x": 01}\n', "not JSON"),
        ('{"x": 1,}\n', "not JSON"),
        ("{'x': 1}\n", "not JSON"),
        ('{"x": "' + "y" * 200 + '"}\n', "longer than max_line_bytes (100)"),
    ],
)
def test_lines_that_are_no_object(tmp_path: Path, text: str | bytes, says: str) -> None:
    limit = 100 if "max_line" in says else 1 << 26
    assert says in refused(save(tmp_path, text), limit=limit)


def test_ends_of_lines_and_of_the_file(tmp_path: Path) -> None:
    for text in (
        '{"x": 1}\n{"x": 2}',
        '\ufeff{"x": 1}\r\n{"x": 2}\r\n',
        '{"x": 1}\n{"x": 2}\n\n \n',
    ):
        assert values(save(tmp_path, text)) == [1, 2]


def test_more_lines_than_are_looked_at_for_kinds(tmp_path: Path) -> None:
    path = save(tmp_path, lines(*map(str, range(2500)), "2.5"))
    for size in (7, 1000, 4096):
        assert values(path, size) == [*range(2500), 2.5]
    late = refused(save(tmp_path, lines(*map(str, range(2500)), '"late"')), size=999)
    assert "line 2501, column 'x': the text 'late'" in late
