"""Reading ahead in threads: the same rows, the same errors, and no thread left behind."""

from __future__ import annotations

import gzip
import io
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lossctl.errors import DataError
from lossctl.readers import csv as reader
from lossctl.readers import csv_table, open_source
from lossctl.readers.ahead import ReadAhead, in_order
from lossctl.readers.cells import Seen
from lossctl.readers.csv_lines import plain_numbers
from lossctl.readers.source import ReadOptions, Wanted
from tests.test_csv_reader import ALL, opened, outcome

THREADS = 3


def alive() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("ahead")]


# Results in order


def test_results_come_in_order_and_items_are_not_taken_far_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(20):
            taken += 1
            yield number

    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return -number

    for given_so_far, (item, result) in enumerate(in_order(items(), work, THREADS)):
        assert (item, result) == (given_so_far, -given_so_far)
        assert taken <= given_so_far + 2 * THREADS + 1
    assert taken == 20
    assert alive() == []


def test_an_error_of_an_item_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise DataError("broken", "mend it")

    found = in_order(items(), lambda number: number, 9)
    assert [next(found)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(DataError, match="broken"):
        next(found)
    assert alive() == []


def test_an_error_of_the_work_is_raised_in_its_place() -> None:
    found = in_order(range(9), lambda number: 1 // (4 - number), THREADS)
    assert [next(found)[0] for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert alive() == []


def test_what_is_no_error_passes_at_once() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(in_order(items(), lambda number: number, THREADS))
    assert alive() == []


# The reader of CSV

PIECES = [
    *["1", "-2.5", "x", "é", ",", ",", "\n", "\n", "\n", "\r\n", "\r", '"', '""', " ", "NA", "nan"],
    *["nan(1)", "1e400", "9007199254740993", "18446744073709551615", "-9007199254740993", "inf"],
    *["1\n", "2.5\n", "9007199254740993\n", "-3\n", "nan\n", "\0", "1,2\n", "3,x\n", "-7,8.5\n"],
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=40),
    st.lists(st.sampled_from(["number", "text"]), min_size=2, max_size=2),
    st.sampled_from(["p\n", "p,y\n"]),
    st.integers(1, 20),
    st.sampled_from([1, 5]),
)
@example(["1.5\n", "2\n", "3\n", "9007199254740993\n"], ["number"] * 2, "p\n", 2, 1)
@example(["9007199254740993\n", "2\n", "3\n", "-1.5\n", "4\n"], ["number"] * 2, "p\n", 2, 1)
def test_threads_change_no_result_and_no_error(
    pieces: list[str], kinds: list[str], header: str, chunk: int, head: int
) -> None:
    data = (header + "".join(pieces)).encode()
    expected = outcome(data, kinds, ALL, head)
    with mock.patch.object(csv_table, "PAYS", 0):
        assert outcome(data, kinds, chunk, head, threads=THREADS) == expected
    assert alive() == []


@settings(deadline=None)
@given(st.lists(st.integers(-9, 9) | st.floats(), min_size=1), st.integers(1, 60))
def test_numbers_are_read_exactly_by_threads(values: list[float], chunk: int) -> None:
    data = ("p\n" + "".join(f"{value!r}\n" for value in values)).encode()
    with mock.patch.object(reader, "HEAD", 4), mock.patch.object(csv_table, "PAYS", 0):
        blocks = opened(data, chunk=chunk, threads=THREADS).blocks([Wanted(0)], 7)
        found = np.concatenate([np.asarray(block.cells[0].values) for block in blocks])
    expected = np.array(values, dtype=np.float64)
    assert [math.isnan(value) for value in found] == [math.isnan(value) for value in expected]
    kept = ~np.isnan(expected)
    assert found[kept].tobytes() == expected[kept].tobytes()


def test_closing_early_leaves_no_thread() -> None:
    rows = b"p,y\n" + b"1.5,2\n" * 5000
    with mock.patch.object(reader, "HEAD", 64):
        blocks = opened(rows, chunk=64, threads=THREADS).blocks([Wanted(0)], 10)
        for _ in range(20):
            next(blocks)
        assert alive()
        blocks.close()  # type: ignore[attr-defined]  # blocks is a generator
    assert alive() == []


def test_an_error_in_the_middle_leaves_no_thread() -> None:
    rows = b"p,y\n" + b"1.5,2\n" * 5000 + b"1.5,2,3\n" + b"1.5,2\n" * 5000
    with mock.patch.object(reader, "HEAD", 64):
        blocks = opened(rows, chunk=64, threads=THREADS).blocks([Wanted(0)], 10)
        with pytest.raises(DataError, match="line 5002: 3 fields, header has 2"):
            list(blocks)
    assert alive() == []


def test_a_file_of_one_chunk_starts_no_thread() -> None:
    with mock.patch("threading.Thread.start", side_effect=AssertionError):
        assert [block.count for block in opened(b"p\n1\n", threads=9).blocks([Wanted(0)], 9)] == [1]


# A column of plain numbers


@given(st.lists(st.floats(allow_nan=False) | st.integers(-(10**17), 10**17), min_size=1))
def test_plain_numbers_are_the_nearest_float64(values: list[float]) -> None:
    found = plain_numbers("\n".join(map(repr, values)).encode())
    assert found is not None
    expected = [float(value) for value in values]
    assert np.array(found.to_pylist()).tobytes() == np.array(expected).tobytes()


@pytest.mark.parametrize("text", ["1\n\n2", "1\r\n2", "1\r2", "1\nNA", '"1"', "1,2", " 1", "1\nx"])
def test_what_is_not_plain_is_left_to_the_reader(text: str) -> None:
    assert plain_numbers(text.encode()) is None


# What a column has held

SEEN = st.builds(Seen, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@given(SEEN, SEEN, SEEN)
def test_what_was_seen_adds_up_in_any_grouping(a: Seen, b: Seen, c: Seen) -> None:
    assert a.then(b).then(c) == a.then(b.then(c))
    assert Seen().then(a) == a
    assert a.then(b).impossible >= max(a.impossible, b.impossible)


# Streams


@given(st.binary(max_size=3000), st.lists(st.integers(1, 700), min_size=1, max_size=5))
@settings(deadline=None)
def test_a_stream_read_ahead_is_the_stream(data: bytes, sizes: list[int]) -> None:
    stream = ReadAhead(io.BytesIO(data))
    found, turn = b"", 0
    while piece := stream.read(sizes[turn % len(sizes)]):
        found += piece
        turn += 1
    assert found == data
    assert stream.read(9) == b""
    stream.close()
    assert alive() == []


def zipped(path: Path, rows: int) -> Path:
    values = np.random.default_rng(7).normal(size=rows)
    text = "p\n" + "".join(f"{value!r}\n" for value in values.tolist())
    path.write_bytes(gzip.compress(text.encode(), 1))
    return path


def read_all(path: Path, threads: int) -> tuple[list[bytes], str | None]:
    """The blocks as bytes, and the error that ended them."""
    found: list[bytes] = []
    try:
        source = open_source(str(path), ReadOptions(threads=threads))
        try:
            for block in source.blocks([Wanted(0)], 4000):
                values: Any = block.cells[0].values
                found.append(values.tobytes())
        finally:
            source.close()
    except DataError as error:
        return found, str(error)
    return found, None


def test_gzip_is_unpacked_ahead(tmp_path: Path) -> None:
    path = zipped(tmp_path / "p.csv.gz", 200_000)
    found, error = read_all(path, THREADS)
    assert error is None
    assert (found, error) == read_all(path, 1)
    assert len(found) == 50
    assert alive() == []


@pytest.mark.parametrize("share", [0.1, 0.6, 0.9999])
@pytest.mark.parametrize("cut", [True, False])
def test_damaged_gzip_gives_the_same_rows_and_error(
    tmp_path: Path, share: float, cut: bool
) -> None:
    path = zipped(tmp_path / "p.csv.gz", 200_000)
    data = path.read_bytes()
    at = int(share * len(data))
    path.write_bytes(data[:at] if cut else data[:at] + b"\xff" * 9 + data[at + 9 :])
    found, error = read_all(path, THREADS)
    assert error is not None
    assert (found, error) == read_all(path, 1)
    assert alive() == []


# The whole program


def run(*arguments: object, **more: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lossctl", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parent, **more
    )


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several chunks."""
    path = tmp_path_factory.mktemp("ahead") / "long.csv"
    path.write_bytes(b"p\n" + b"1234567.125\n2.5\n" * 400_000)
    return path


def test_a_damaged_row_ends_the_program(long: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.csv"
    data = long.read_bytes()
    at = len("p\n") + 200_000 * len("1234567.125\n2.5\n")
    damaged.write_bytes(data[:at] + b"x\n" + data[at:])
    for threads in (1, 4):
        done = run("eval", "-b", long, damaged, "-l", "mse", "--threads", threads)
        _, err = done.communicate(timeout=60)
        assert done.returncode == 3
        assert b"damaged.csv line 400002, column 'p': 'x' is not a number" in err


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_it_waits_for_a_pipe(long: Path, sent: int, status: int) -> None:
    """The pipe stays open: nothing may wait for its next bytes."""
    done = run("eval", "-b", "-", long, "-l", "mse", "--threads", 4, stdin=subprocess.PIPE)
    assert done.stdin is not None
    os.write(done.stdin.fileno(), b"p\n")
    for _ in range(50):  # more than is read before the first row
        os.write(done.stdin.fileno(), b"1234567.125\n2.5\n" * 4000)
    time.sleep(0.3)
    done.send_signal(sent)
    assert done.wait(timeout=30) == status
    done.stdin.close()
    assert done.stdout is not None
    assert done.stderr is not None
    assert done.stdout.read() == b""
    done.stdout.close()
    done.stderr.close()
