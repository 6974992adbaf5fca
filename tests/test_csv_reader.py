"""The text-table reader. Oracles: the csv module, float(), int(), and answers written by hand."""

from __future__ import annotations

import codecs
import csv
import io
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from typing import Any, BinaryIO, cast
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lossctl.errors import DataError, UsageError
from lossctl.readers import csv as reader
from lossctl.readers.cells import MISSING
from lossctl.readers.csv import open_csv
from lossctl.readers.source import Cells, ReadOptions, Wanted

ALL = 1 << 21
CHUNKS = [1, 2, 3, 7, 64, ALL]


def opened(
    data: bytes | BinaryIO, *, delimiter: str = ",", chunk: int = ALL, **options: Any
) -> reader.CsvSource:
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    return open_csv(
        stream,
        "p.csv",
        ReadOptions(**options),
        delimiter=delimiter,
        compression=None,
        chunk_bytes=chunk,
    )


def cell_values(cells: Cells) -> list[Any]:
    """The values as Python objects, None where missing."""
    values = cast(Any, cells.values).tolist()
    if cells.missing is None:
        return list(values)
    return [None if gone else value for value, gone in zip(values, cells.missing, strict=True)]


def read(
    data: bytes | BinaryIO, wanted: Sequence[Wanted] = (Wanted(0),), size: int = 1000, **how: Any
) -> list[list[Any]]:
    """The wanted columns, as lists."""
    found: list[list[Any]] = [[] for _ in wanted]
    for block in opened(data, **how).blocks(wanted, size):
        for column, cells in zip(found, block.cells, strict=True):
            assert len(cast(Any, cells.values)) == block.count
            column.extend(cell_values(cells))
    return found


def outcome(
    data: bytes, kinds: Sequence[str], chunk: int, head: int, **how: Any
) -> tuple[Any, ...]:
    """Rows and error of a reading in which `kinds` says how each column is read."""
    rows: list[Any] = []
    with mock.patch.object(reader, "HEAD", head):
        try:
            source = opened(data, chunk=chunk, **how)
            wanted = [
                Wanted(index, cast(Any, kind))
                for index, kind in enumerate(kinds[: len(source.columns)])
            ]
            for block in source.blocks(wanted, 1):
                rows += [repr(cell_values(cells)) for cells in block.cells]
        except DataError as error:
            return rows, str(error)
    return rows, None


def refusal(data: bytes, wanted: Sequence[Wanted] = (Wanted(0),), **how: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(data, wanted, **how)
    return str(caught.value)


# Numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.e3", 1000.0),
        ("-.5E+1", -5.0),
        (" \t7 ", 7.0),
        ("00012", 12.0),
        ("-0", -0.0),
        ("1e-400", 0.0),
        ("5e-324", 5e-324),
        ("2.2250738585072011e-308", 2.2250738585072011e-308),
        ("82544000000000707.52", 82544000000000704.0),
        ("9007199254740992", 9007199254740992.0),
        ("1" + "0" * 22, 1e22),
        ("0" * 5000 + "7", 7.0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("+INF", math.inf),
        ("nan", math.nan),
        ("-NaN", math.nan),
    ],
)
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_a_number_is_the_nearest_float64(text: str, value: float, form: str) -> None:
    [found] = read(f"p\n{form.format(text)}\n".encode())
    assert np.array(found).tobytes() == np.array([value]).tobytes() or math.isnan(value)
    assert math.isnan(found[0]) == math.isnan(value)


@pytest.mark.parametrize(
    "text",
    [
        *["1,5", "1.234,5", "1,000", "1_000", "0x10", "0x1p3", "1d5", "$4.00", "95%", "--1", "+-1"],
        *[
            "1 2",
            "1e",
            "e5",
            "..",
            "+",
            "1e5.0",
            "true",
            "nil",
            "nan(12)",
            "NAN()",
            "infinit",
            "ınf",
        ],
        *["١٢", "１２", "−1.5", "1.#INF", "2020-01-01", "\x0b1", "1\xa0", "\ufeff1"],
    ],
)
def test_what_is_no_number_is_refused_with_line_column_and_cell(text: str) -> None:
    message = refusal(f'id,p\n1,2.5\n2,"{text}"\n'.encode(), [Wanted(1)])
    assert message.startswith("p.csv line 3, column 'p': ")
    assert "is not a number; " in message


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("1.234,5", "no thousands separators"),
        ("95%", "write the bare number"),
        ("False", "write 0 and 1"),
        ("１２", "in ASCII"),
        ("−1", "in ASCII"),
        ("12ö4", "a missing value is an empty cell"),
    ],
)
def test_the_remedy_fits_the_cell(text: str, remedy: str) -> None:
    assert remedy in refusal(f'p\n"{text}"\n'.encode())


@pytest.mark.parametrize("text", ["1e400", "-1e5000", "1.8e308", "9" * 310, "1" * 6000])
def test_overflow_is_refused(text: str) -> None:
    assert "overflows float64" in refusal(f"p\n1\n{text}\n".encode())
    assert "line 3" in refusal(f"p\n1\n{text}\n".encode())


@given(st.text("0123456789+-.eEnaifty_ (x", max_size=8))
@example("nan(1)").via("Arrow takes it")
@example("1_0").via("Python takes it")
@example("infinity")
def test_the_grammar_is_that_of_float_without_underscores(text: str) -> None:
    bare = text.strip(" ")
    if bare in MISSING:
        expected = None
    else:
        try:
            expected = None if "_" in text else float(bare)
        except ValueError:
            expected = None
        if expected is None or (math.isinf(expected) and "inf" not in bare.lower()):
            assert "p.csv line 3" in refusal(f'p,t\n1,\n"{text}",\n'.encode())
            return
    [(_, found)] = read(f'p,t\n1,\n"{text}",\n'.encode())
    assert repr(found) == repr(expected)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from(CHUNKS)
)
def test_decimals_are_read_exactly(values: list[float], chunk: int) -> None:
    text = "p\n" + "".join(f"{value!r}\n" for value in values)
    [found] = read(text.encode(), chunk=chunk)
    assert list(map(repr, found)) == list(map(repr, values))


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1)
    | st.lists(st.integers(0, 2**64 - 1), min_size=1),
    st.sampled_from(CHUNKS),
    st.integers(1, 9),
)
@example([1, 2**53 + 1, -5], ALL, 9)
@example([2**63, 2**53 + 1, 5], 1, 9)
@example([2**64 - 1, 2**64 - 2], 1, 1)
def test_integers_of_64_bits_are_exact(values: list[int], chunk: int, size: int) -> None:
    text = "p\n" + "".join(f"{value}\n\n" for value in values)  # every other cell is missing
    [found] = read(text.encode(), chunk=chunk, size=size)
    assert [value for value in found if value is not None] == values
    assert len(found) == 2 * len(values) - 1


def test_only_a_block_that_needs_it_has_integers() -> None:
    source = opened(b"p\n1\n2\n9007199254740993\n\n-4\n5\n")
    blocks = [block.cells[0] for block in source.blocks([Wanted(0)], 6)]
    assert cast(Any, blocks[0].values).dtype == np.int64
    assert cast(Any, blocks[0].values).tolist() == [1, 2, 9007199254740993, 0, -4, 5]
    plain = next(iter(opened(b"p\n1\n9007199254740992\n").blocks([Wanted(0)], 6)))
    assert cast(Any, plain.cells[0].values).dtype == np.float64


@pytest.mark.parametrize(
    ("cells", "line", "part"),
    [
        (["1.5", "2", "9007199254740993"], 4, "'9007199254740993': the column holds integers"),
        (["9007199254740993", "2", "1.5"], 4, "'1.5': the column holds integers"),
        (["9007199254740993", "nan"], 3, "'nan': the column holds integers"),
        (["9007199254740993", "1e17"], 3, "beside decimals"),
        (["-1", "9223372036854775808", "9007199254740993"], 4, "beside negative numbers"),
        (["18446744073709551615", "3", "-1", "-2"], 4, "beside negative numbers"),
        (["1", "18446744073709551617"], 3, "neither float64 nor 64 bits"),
        (["1", "-9223372036854775809"], 3, "neither float64 nor 64 bits"),
    ],
)
@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("threads", [1, 3])
def test_integers_that_no_type_holds(
    cells: list[str], line: int, part: str, chunk: int, threads: int
) -> None:
    with mock.patch.object(reader, "HEAD", 4):
        message = refusal(("p\n" + "\n".join(cells)).encode(), chunk=chunk, threads=threads)
    assert message.startswith(f"p.csv line {line}, column 'p': ")
    assert part in message


def test_integers_that_float64_holds_stand_beside_decimals() -> None:
    [found] = read(b"p\n1.5\n9007199254740994\n-18446744073709551616\n")
    assert found == [1.5, 9007199254740994.0, -18446744073709551616.0]


def test_text_far_down_is_found_whatever_the_chunks() -> None:
    rows = [b"%d,%d.5" % (row, row) for row in range(5000)]
    rows[4321] = b"4321,T"
    data = b"id,p\r\n" + b"\r\n".join(rows)
    for chunk, threads in product((100, 4096, ALL), (1, 3)):
        message = refusal(data, [Wanted(1)], chunk=chunk, threads=threads)
        assert message.startswith("p.csv line 4323, column 'p': 'T' is not a number")


# Missing cells and text


@pytest.mark.parametrize("spelling", [*MISSING, " NA ", " ", "\t"])
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_missing_numbers(spelling: str, form: str) -> None:
    data = f"p,y\n1,1\n{form.format(spelling)},2\n3,3\n".encode()
    source = opened(data)
    [block] = source.blocks([Wanted(0), Wanted(1)], 9)
    assert source.columns[0].kind == "integer"
    assert cast(Any, block.cells[0].missing).tolist() == [False, True, False]
    assert math.isnan(cast(Any, block.cells[0].values)[1])
    assert block.cells[1].missing is None


def test_labels_stay_labels() -> None:
    labels = ["NA", "None", "null", "nan", "-", "", " ", "é", "07"]
    data = ("t,p\n" + "".join(f"{label},1\n" for label in labels)).encode()
    [found] = read(data, [Wanted(0, "text")])
    assert found == [label or None for label in labels]


def test_one_column_as_number_and_as_text() -> None:
    found = read(b"p,y\n01,5\nNA,6\n", [Wanted(0, "text"), Wanted(0), Wanted(1), Wanted(1)])
    assert found == [["01", "NA"], [1.0, None], [5.0, 6.0], [5.0, 6.0]]


def test_rows_are_counted_where_nothing_is_wanted() -> None:
    assert sum(block.count for block in opened(b"p,y\n1,\n,\n").blocks([], 9)) == 2


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2"], "integer"),
        (["", "NA", "-7"], "integer"),
        (["1", "2.5"], "number"),
        (["1", "x"], "number"),
        (["1e3"], "number"),
        (["nan", "1"], "number"),
        (["NA", ""], "number"),
        (["True", "1"], "boolean"),
        (["x", "1"], "text"),
        (["1,5"], "text"),
        (["1"] * 1000 + ["2.5"], "integer"),
        ([""] * 1500 + ["x"], "text"),
    ],
)
def test_kinds(cells: list[str], kind: str) -> None:
    data = ("p,t\n" + "".join(f'"{cell}",t\n' for cell in cells)).encode()
    assert [column.kind for column in opened(data).columns] == [kind, "text"]


# Structure


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "p.csv is empty"),
        (b"\n\r\n\n", "p.csv is empty"),
        (b"p,y\n", "p.csv: a header and no rows"),
        (b"p,y\n\n\n", "p.csv: a header and no rows"),
        (b"\np,y\n1,2\n", "p.csv line 1: a blank line"),
        (b"p,y\n1,2\n1,2,3\n1\n", "p.csv line 3: 3 fields, header has 2"),
        (b"p,y\n1,2\n1\n1,2,3\n", "p.csv line 3: 1 field, header has 2"),
        (b"p,y\n1,2,\n3,4,\n", "p.csv line 2: 3 fields, header has 2"),
        (b"p,y\r\n1,2\r\n\r\n3,4\r\n", "p.csv line 3: blank line between rows"),
        (b"p,y\n\n3,4\n", "p.csv line 2: blank line between rows"),
        (b"p,y\r1,2\r\r3,4\r", "p.csv line 3: blank line between rows"),
        (b'p,y\n1,"a\n\nb"\n2,b,c\n', "p.csv line 5: 3 fields, header has 2"),
        (b'p,y\n1,"a\r\rb"\n\n2,b\n', "p.csv line 5: blank line between rows"),
        (b'p,y\n1,"a"b\n2,c\n', "p.csv line 2: text after a closing quote"),
        (b'p,y\n1,"a\nb" \n2,c\n', "p.csv line 3: text after a closing quote"),
        (b'p,y\n1,a\n2,"c\n3,d\n', "p.csv line 3: a quote opens here that is never closed"),
        (b'p,"y\n1,a\n', "p.csv line 1: a quote opens here that is never closed"),
        (b'p,"y"z\n1,a\n', "p.csv line 1: text after a closing quote"),
        (b"p,y\n1,2\n3,a\0b\n", "p.csv line 3: NUL at byte offset 11"),
        (b"p\0,y\n1,2\n", "p.csv line 1: NUL at byte offset 1"),
        (b"p,y\n1,2\n3,\xc3\xa9\xff\n", "p.csv line 3: not UTF-8 at byte offset 12 (byte 0xff)"),
        (b"p,y\n1,2\n3,\xed\xa0\x80\n", "p.csv line 3: not UTF-8 at byte offset 10"),
        (b"p,y\n1,2\n3,\xc0\xaf\n", "p.csv line 3: not UTF-8 at byte offset 10"),
        (b"\xef\xbb\xbfp,y\n1,2\n3,\xe2", "p.csv line 3: not UTF-8 at byte offset 13"),
    ],
)
@pytest.mark.parametrize("head", [8, 1 << 20])
@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("threads", [1, 3])
def test_damage_is_refused_at_its_line(
    data: bytes, message: str, head: int, chunk: int, threads: int
) -> None:
    with mock.patch.object(reader, "HEAD", head):
        found = refusal(data, [Wanted(1, "text")], chunk=chunk, threads=threads)
    assert found.startswith(message)


PIECES = ["1", "-2.5", "x", "é", ",", ",", "\n", "\n", "\r\n", "\r", '"', '"', '""', " ", "NA"]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(PIECES), max_size=30),
    st.lists(st.sampled_from(["number", "text"]), min_size=2, max_size=2),
    st.sampled_from([1, 5, 1 << 20]),
    st.booleans(),
)
def test_chunks_change_no_result_and_no_error(
    pieces: list[str], kinds: list[str], head: int, header: bool
) -> None:
    data = ("p,y\n" * header + "".join(pieces)).encode()
    whole = outcome(data, kinds, ALL, head, header=header)
    for chunk in (1, 2, 3, 5, 8, 13):
        assert outcome(data, kinds, chunk, head, header=header) == whole


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=30), st.integers(1, 20))
@example(['"', "\r", '"', '"'], 1)
def test_rows_are_those_of_the_csv_module(pieces: list[str], chunk: int) -> None:
    text = "".join(pieces)
    expected: list[list[str | None]] | None
    try:
        # A lone CR is a line end only here if newline="" lets the module see it.
        rows = list(csv.reader(io.StringIO("p,y\n" + text.rstrip("\r\n"), newline=""), strict=True))
        valid = len(rows) > 1 and all(len(row) == 2 for row in rows)
        expected = [[cell or None for cell in row] for row in rows[1:]] if valid else None
    except csv.Error:
        expected = None
    wanted = [Wanted(0, "text"), Wanted(1, "text")]
    data = b"p,y\n" + text.encode()
    if expected is None:
        refusal(data, wanted, chunk=chunk)
    else:
        assert [list(row) for row in zip(*read(data, wanted, chunk=chunk), strict=True)] == expected


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.floats()),
        min_size=1,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(CHUNKS),
    st.integers(1, 5),
)
def test_what_the_csv_module_writes_is_read(
    rows: list[tuple[str, float]], end: str, delimiter: str, quoting: Any, chunk: int, size: int
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["name, or such", "p"])
    writer.writerows((name, value) for name, value in rows)
    data = text.getvalue().encode()
    names, values = read(
        data, [Wanted(0, "text"), Wanted(1)], size, chunk=chunk, delimiter=delimiter
    )
    assert names == [name or None for name, _ in rows]
    assert list(map(repr, values)) == [repr(value) for _, value in rows]


def test_quotes_inside_fields_are_text() -> None:
    data = b'size,p\n5" pipe,1\n6"",2\n"7"" ""x""",3\n37\'8"N,4\n'
    for chunk in CHUNKS:
        sizes, values = read(data, [Wanted(0, "text"), Wanted(1)], chunk=chunk)
        assert sizes == ['5" pipe', '6""', '7" "x"', "37'8\"N"]
        assert values == [1, 2, 3, 4]


def test_blank_lines() -> None:
    for chunk in CHUNKS:
        assert read(b"p\n1\n\n\r\n2\n\n\n", chunk=chunk) == [[1, None, None, 2]]
        assert read(b"p\n\n5\r\r", chunk=chunk) == [[None, 5]]
        assert read(b"p,y\n,\n,\n\n\n", chunk=chunk) == [[None, None]]
        assert read(b'p,y\n,"\n\n"\n', [Wanted(0)], chunk=chunk) == [[None]]


def test_line_ends_may_be_mixed_and_each_counts_one_line() -> None:
    data = b"p,y\r1,2\n3,4\r\n5,6\rx,7"
    for chunk in CHUNKS:
        assert read(data, [Wanted(1)], chunk=chunk) == [[2, 4, 6, 7]]
        assert refusal(data, chunk=chunk).startswith("p.csv line 5, column 'p': 'x'")
    assert opened(data).details["line ends"] == "CR, LF, CRLF"
    for end in (b"\r", b"\n", b"\r\n", b'"\r\n"\r\n'):
        long = b"p,y\n" + (b"1," + end) * 50 + b"x,y\n"
        for chunk in CHUNKS:
            line = 52 if b'"' not in end else 102
            assert refusal(long, chunk=chunk).startswith(f"p.csv line {line}, column 'p': 'x'")


def test_the_rows_before_the_damage_come_first() -> None:
    with mock.patch.object(reader, "HEAD", 1):
        blocks = opened(b"p,y\n1,2\n3,4\n5,6\nx,7,8\n").blocks([Wanted(0)], 1)
        assert [next(blocks).cells[0].values for _ in range(3)] == [1, 3, 5]  # type: ignore[comparison-overlap]  # arrays of one
        with pytest.raises(DataError, match="line 5: 3 fields"):
            next(blocks)


# Header, delimiter, encoding


def test_the_header_is_kept_as_it_stands() -> None:
    source = opened(b'a, b,"c\n""d""",,a\n1,2,3,4,5\n')
    assert [column.name for column in source.columns] == ["a", " b", 'c\n"d"', "", "a"]
    assert read(b"a,,a\n1,2,3\n", [Wanted(2), Wanted(1), Wanted(0)]) == [[3], [2], [1]]
    assert refusal(b"a,,b\n1,x,3\n", [Wanted(1)]).startswith("p.csv line 2, column 2: 'x'")


def test_a_header_of_numbers_is_refused() -> None:
    message = refusal(b"1.5,,-2\n3,4,5\n")
    assert message.startswith("p.csv line 1: the header holds only numbers ('1.5', '-2'); ")
    assert message.endswith("-H")
    source = opened(b"1.5,,-2\n3,4,5\n", header=False)
    assert [column.name for column in source.columns] == ["1", "2", "3"]
    assert read(b"1.5,,-2\n3,4,5\n", [Wanted(0), Wanted(1)], header=False) == [[1.5, 3], [None, 4]]
    assert "line 2: 1 field, line 1 has 2" in refusal(b"1,2\n3\n", header=False)
    assert "'10' is a number: -H" in opened(b"10,x\n20,y\n").details["hint"]


def test_delimiters() -> None:
    assert read(b"p;y\n1;2\n", [Wanted(1)], delimiter=";") == [[2]]
    assert opened(b"p\ty\n1\t2\n", delimiter="\t").format == "tsv"
    for written in ("\t", r"\t", "tab"):
        source = open_csv(
            io.BytesIO(b"p\ty\n1\t2\n"),
            "p.csv",
            ReadOptions(delimiter=written),
            delimiter=",",
            compression="gzip",
        )
        assert [column.name for column in source.columns] == ["p", "y"]
        assert source.details["delimiter"] == "tab"
        assert source.details["compression"] == "gzip"
    for impossible in ('"', "\n", ";\r", "\0", "\udcff"):
        with pytest.raises(UsageError, match="cannot be a delimiter"):
            opened(b"p\n1\n", delimiter=impossible)


@pytest.mark.parametrize("delimiter", ["::", ", ", "§", "aab"])
def test_delimiters_of_several_bytes(delimiter: str) -> None:
    data = 'name::p\n"a::""b""::\n"::1\nc:"::-2.5\n::NA'.replace("::", delimiter).encode()
    inside = 'a::"b"::\n'.replace("::", delimiter)
    for chunk in CHUNKS:
        names, values = read(data, [Wanted(0, "text"), Wanted(1)], chunk=chunk, delimiter=delimiter)
        assert names == [inside, 'c:"', None]
        assert values == [1, -2.5, None]
        ragged = data + f"\nx{delimiter}y{delimiter}z\n".encode()
        assert "line 6: 3 fields" in refusal(ragged, chunk=chunk, delimiter=delimiter)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_part_of_a_delimiter_opens_no_quote(chunk: int) -> None:
    data = b'a,,b\n1,"x,,2\n"y\n,z",,3\n'
    names, values = read(data, [Wanted(0, "text"), Wanted(1)], chunk=chunk, delimiter=",,")
    assert names == ['1,"x', "y\n,z"]
    assert values == [2, 3]
    data = b'a\n1\nnan(1),"a,\n"\n ,1"a,\n"'
    with mock.patch.object(reader, "HEAD", 4):
        message = refusal(data, [Wanted(0, "text")], chunk=chunk, delimiter=",,")
    assert message.startswith("p.csv line 5: text after a closing quote")


@pytest.mark.parametrize(("other", "shown"), [(";", "';'"), ("\t", "tab"), ("|", "'|'")])
def test_another_delimiter_is_named(other: str, shown: str) -> None:
    data = "id;p;y\n1;2;3\n4;5;6\n".replace(";", other).encode()
    hint = f"the delimiter is probably {shown}: -d {shown}"
    assert opened(data).details["hint"] == hint
    assert refusal(data).endswith("; " + hint)
    assert refusal("id;p\n1,5;2\n".replace(";", other).encode()).endswith("; " + hint)
    assert "hint" not in opened(b"name\na;b\nc\n").details


TABLE = "名前,p\n山田太郎,1\n鈴木花子,2\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-16", TABLE),
        ("utf-16-le", "name,p\nx,1\ny,2\n"),
        ("utf-16-be", "name,p\nx,1\ny,2\n"),
        ("utf-32", TABLE),
        ("gb18030", "姓名,p\n张三,1\n李四,2\n"),
        ("shift_jis", TABLE),
        ("shift_jis", "なまえ,p\nさくら,1\nカタカナ,2\n"),
        ("windows-1252", "nom,p\nAndré,1\nZoë — “x”,2\n"),
    ],
)
def test_encodings_are_named_and_read(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    assert refusal(data).endswith(f"--encoding {encoding}")
    for chunk in (1, 5, ALL):
        names, values = read(data, [Wanted(0, "text"), Wanted(1)], chunk=chunk, encoding=encoding)
        assert names == [line.split(",")[0] for line in text.splitlines()[1:]]
        assert values == [1, 2]


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    for data, encoding in (
        (codecs.BOM_UTF8 + b"p\n1\n", None),
        (codecs.BOM_UTF8 + b"p\n1\n", "utf-8"),
        (codecs.BOM_UTF16_LE + "p\n1\n".encode("utf-16-le"), "utf-16-le"),
        ("p\n1\n".encode("utf-16"), "utf-16"),
    ):
        assert opened(data, encoding=encoding).columns[0].name == "p"
    assert "byte order mark" in opened(codecs.BOM_UTF8 + b"p\n1\n").details["encoding"]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_what_is_not_in_the_given_encoding(chunk: int) -> None:
    text = "p,y\n1,2\n3,4\n".encode("utf-16-le")
    message = refusal(text + b"5\0,\0\x00\xd8x\0", encoding="utf-16-le", chunk=chunk)
    assert message.startswith("p.csv: not utf-16-le at byte offset 28")
    assert refusal(text + b"5", encoding="utf-16-le", chunk=chunk).startswith(
        "p.csv: not utf-16-le at byte offset 24"
    )
    # An error of a cell that stands before the damage is said first.
    early = text.replace(b"3", b"x") + b"5"
    assert "line 3, column 'p'" in refusal(early, encoding="utf-16-le", chunk=chunk)
    assert "line 3: NUL" in refusal(text.replace(b"4", b"\0"), encoding="utf-16-le", chunk=chunk)


def test_lone_surrogates_are_no_text() -> None:
    message = refusal(rb"p,y\n1,\ud800", [Wanted(1, "text")], encoding="unicode_escape")
    assert message.startswith("p.csv line 2: not UTF-8")


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis"])
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_a_character_that_is_cut_by_a_read(encoding: str, chunk: int) -> None:
    good = "p,y\n1,名\n2,名\n".encode(encoding)
    with mock.patch.object(reader, "HEAD", 4):
        blocks = opened(good + b"3,\xff\xff\n", encoding=encoding, chunk=chunk).blocks(
            [Wanted(1, "text")], 1
        )
        assert [cell_values(next(blocks).cells[0]) for _ in range(2)] == [["名"], ["名"]]
        with pytest.raises(DataError, match=f"not {encoding} at byte offset {len(good) + 2}"):
            next(blocks)


@pytest.mark.parametrize("encoding", ["no-such", "hex", "rot13", "undefined", ""])
def test_unknown_encodings(encoding: str) -> None:
    if not encoding:
        assert read(b"p\n1\n", encoding=encoding) == [[1]]  # as if not given
        return
    with pytest.raises(UsageError, match="no text encoding"):
        opened(b"p\n1\n", encoding=encoding)


# Limits, streams, imports


class Endless(io.RawIOBase):
    """A file that goes on for ever after its start; counts what was read of it."""

    def __init__(self, start: bytes, rest: bytes) -> None:
        self.pending = start
        self.rest = rest
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self.pending) < len(buffer):
            self.pending += self.rest
        count = len(buffer)
        buffer[:], self.pending = self.pending[:count], self.pending[count:]
        self.taken += count
        return count


@pytest.mark.parametrize(
    ("start", "rest", "message"),
    [
        (b"", b"x" * 4096, "line 1: longer than 65536 bytes"),
        (b'p,y\n1,2\n3,"', b"4,5\n" * 1024, "line 3: longer than 65536 bytes"),
        (b"p,y\n1,2\n", b"9" * 4096, "line 3: longer than 65536 bytes"),
        (b"p,y\n1,2\n", b"\n" * 4096, "line 3: longer than 65536 bytes"),
    ],
)
def test_memory_is_bounded_by_the_longest_line(start: bytes, rest: bytes, message: str) -> None:
    endless = Endless(start, rest)
    with mock.patch.object(reader, "HEAD", 4096):
        found = refusal(cast(bytes, io.BufferedReader(endless)), max_line_bytes=1 << 16, chunk=4096)
    assert message in found
    assert endless.taken <= 1 << 18


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_long_line_is_refused_wherever_chunks_end(chunk: int) -> None:
    data = b"p,y\n1,2\n3," + b"4" * 40 + b"\n5,6\n"
    assert read(data, [Wanted(0)], chunk=chunk, max_line_bytes=42) == [[1, 3, 5]]
    assert "line 3: longer than 41 bytes" in refusal(data, chunk=chunk, max_line_bytes=41)
    with mock.patch.object(reader, "HEAD", 8):
        windows = data.replace(b"\n", b"\r\n")  # a chunk may end between CR and LF
        for size in (chunk, 43):
            assert read(windows, [Wanted(0)], chunk=size, max_line_bytes=42) == [[1, 3, 5]]
        blank = b"p\r\n1\r\n\r\n\r\n" + b"4" * 400
        assert "line 5: longer than 39 bytes" in refusal(blank, chunk=chunk, max_line_bytes=39)
        odd = b'p,y\n1,2\n3,"' + b"x" * 400 + b'"z\n'
        assert "line 3: longer than 39 bytes" in refusal(odd, chunk=chunk, max_line_bytes=39)


def test_long_fields_and_many_columns() -> None:
    long = "x" * 30_000
    assert read(f"t,p\n{long},1\n".encode(), [Wanted(0, "text")], chunk=100) == [[long]]
    header = ",".join(f"c{index}" for index in range(9074))
    row = ",".join(str(index) for index in range(9074))
    [first, last] = read(f"{header}\n{row}\n{row}\n".encode(), [Wanted(0), Wanted(9073)])
    assert (first, last) == ([0, 0], [9073, 9073])


def test_a_pipe_that_gives_a_few_bytes_at_a_time() -> None:
    incoming, outgoing = os.pipe()
    with io.FileIO(incoming) as pipe:
        os.write(outgoing, b"p,y\n" + b"1,2\n" * 300)
        os.close(outgoing)
        stream = mock.Mock(wraps=pipe)
        stream.read = lambda size: pipe.read(min(size, 7))
        assert read(stream, [Wanted(1)], chunk=50) == [[2] * 300]


def test_rows_can_be_read_once() -> None:
    source = opened(b"p\n1\n")
    assert [block.count for block in source.blocks([Wanted(0)], 9)] == [1]
    with pytest.raises(RuntimeError, match="once"):
        next(source.blocks([Wanted(0)], 9))


def test_closing_closes_the_stream() -> None:
    stream = io.BytesIO(b"p\n1\n")
    opened(stream).close()
    assert stream.closed


def test_importing_the_reader_imports_neither_pyarrow_nor_pandas() -> None:
    code = (
        "import sys, lossctl.readers.csv; "
        "print([name for name in ('pyarrow', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
