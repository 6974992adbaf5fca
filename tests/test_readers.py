"""One table through every format, every way in and every block size; and what is refused."""

import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from lossctl.errors import DataError, LossctlError, UsageError
from lossctl.readers import open_source
from lossctl.readers.source import Cells, ReadOptions, Rechunker, Rows, Wanted

PRED = [0.1, -2.5, 1e-300, 5e-324, 1.7976931348623157e308, 123456789.125, -0.0, 2.0, 3.0, 4.0, 5.5]
COUNT = [1, -2, 3, 9007199254740993, -9223372036854775808, 0, 7, 8, 9, 10, 11]
LABEL = ["NA", "None", "5", "ein, zwei", "日本", "x" * 50, "nan", "a b", "-", "é", "z"]
NAMES = ["pred", "count", "label"]


def write(path: Path) -> Path:
    """Write the table in the format that the name asks for."""
    plain = path.name.removesuffix(".gz")
    table = pyarrow.table({"pred": PRED, "count": COUNT, "label": LABEL})
    rows = list(zip(PRED, COUNT, LABEL, strict=True))
    if plain.endswith(".parquet"):
        pyarrow.parquet.write_table(table, path, row_group_size=4)
        return path
    if plain.endswith(".npz"):
        np.savez(path, pred=np.array(PRED), count=np.array(COUNT), label=np.array(LABEL))
        return path
    if plain.endswith(".jsonl"):
        text = "".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows)
    else:
        cut = "\t" if plain.endswith(".tsv") else ","
        quote = '"' if cut == "," else ""
        lines = [cut.join(NAMES)]
        lines += [f"{p!r}{cut}{c}{cut}{quote}{label}{quote}" for p, c, label in rows]
        text = "\n".join(lines) + "\n"
    raw = text.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def read(path: str, size: int = 4, options: ReadOptions | None = None) -> list:
    """All three columns, as Python values; checks the shape of the blocks on the way."""
    source = open_source(path, options or ReadOptions())
    try:
        names = [column.name for column in source.columns]
        if not set(NAMES) <= set(names):
            raise UsageError("no such column")
        wanted = [Wanted(names.index("pred")), Wanted(names.index("count"))]
        wanted.append(Wanted(names.index("label"), "text"))
        blocks = list(source.blocks(wanted, size))
    finally:
        source.close()
    assert all(block.count == size for block in blocks[:-1])
    for block in blocks:
        assert [len(cells.values) for cells in block.cells] == [block.count] * len(wanted)
    columns = []
    for index, want in enumerate(wanted):
        parts = [block.cells[index].values for block in blocks]
        if want.kind == "text":
            columns.append([cell for part in parts for cell in part.to_pylist()])
        else:
            assert all(part.flags.c_contiguous for part in parts)
            columns.append([value for part in parts for value in part.tolist()])
    return columns


def same(found: list) -> None:
    pred, count, label = found
    assert [value.hex() for value in pred] == [value.hex() for value in PRED]
    assert count == COUNT
    assert label == LABEL


FILES = ["t.csv", "t.tsv", "t.csv.gz", "t.jsonl", "t.jsonl.gz", "t.parquet", "t.npz"]


@pytest.mark.parametrize("size", [1, 3, 4, 1000])
@pytest.mark.parametrize("name", FILES)
def test_one_table_through_every_format(tmp_path: Path, name: str, size: int) -> None:
    same(read(str(write(tmp_path / name)), size))


@contextlib.contextmanager
def piped(data: bytes):
    """A path such as a shell's `<(command)`: a pipe that another thread fills."""
    out, into = os.pipe()

    def feed() -> None:
        with os.fdopen(into, "wb") as pipe, contextlib.suppress(BrokenPipeError):
            for start in range(0, len(data), 100):
                pipe.write(data[start : start + 100])
                pipe.flush()

    writer = threading.Thread(target=feed)
    writer.start()
    try:
        yield f"/dev/fd/{out}"
    finally:
        os.close(out)
        writer.join()


@pytest.mark.parametrize("name", FILES)
def test_a_pipe_gives_what_the_file_gives(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / name).read_bytes()
    form = "tsv" if ".tsv" in name else None  # no sign in the content tells the delimiter
    with piped(data) as path:
        same(read(path, 4, ReadOptions(format=form)))


@pytest.mark.parametrize("name", FILES)
def test_standard_input_gives_what_the_file_gives(tmp_path: Path, name: str, monkeypatch) -> None:
    path = write(tmp_path / name)
    form = "tsv" if ".tsv" in name else None
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    same(read("-", 4, ReadOptions(format=form)))
    script = (
        "import sys; from lossctl.readers import open_source\n"
        "from lossctl.readers.source import ReadOptions, Wanted\n"
        f"source = open_source('-', ReadOptions(format={form!r}))\n"
        "blocks = source.blocks([Wanted(0)], 4)\n"
        "print([v for block in blocks for v in block.cells[0].values.tolist()])"
    )
    for feed in ("<", "cat"):
        command = f'{sys.executable} -c "$SCRIPT" {"<" if feed == "<" else ""} "$FILE"'
        if feed == "cat":
            command = f'cat "$FILE" | {sys.executable} -c "$SCRIPT"'
        environment = {**os.environ, "SCRIPT": script, "FILE": str(path)}
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, env=environment, check=False
        )
        assert done.stdout.strip() == str(PRED), done.stderr


def test_text_after_a_part_that_the_shell_has_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("skip this\npred\n1.5\n")
    script = (
        "from lossctl.readers import open_source\n"
        "from lossctl.readers.source import ReadOptions, Wanted\n"
        "print(*next(open_source('-', ReadOptions()).blocks([Wanted(0)], 9)).cells[0].values)"
    )
    command = f'(read line; {sys.executable} -c "$SCRIPT") < "$FILE"'
    environment = {**os.environ, "SCRIPT": script, "FILE": str(path)}
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.strip() == "1.5", done.stderr


def refused(path: str, options: ReadOptions | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(path, options=options)
    return str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(str(tmp_path / "none.csv"))
    assert "is a directory" in refused(str(tmp_path))
    assert "is a device" in refused("/dev/zero")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "empty.csv.gz").write_bytes(gzip.compress(b""))
    assert "is empty" in refused(str(tmp_path / "empty.csv"))
    assert "is empty" in refused(str(tmp_path / "empty.csv.gz"))
    for path in (
        "http://example.org/x.csv",
        "s3://bucket/key.parquet",
        "file:///x.csv",
        "a\0b",
        "",
    ):
        with pytest.raises(UsageError):
            open_source(path, ReadOptions())
    with pytest.raises(UsageError, match="unknown input format"):
        open_source("x", ReadOptions(format="xml"))


PARQUET, NPY, NPZ = "holds Parquet", "holds an NPY array", "holds an NPZ archive"


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("t.parquet", "x.csv", "named .csv but holds Parquet; --input-format parquet"),
        ("t.parquet", "x.npy", PARQUET),
        ("t.npz", "x.parquet", NPZ),
        ("t.npz", "x.jsonl", NPZ),
        ("t.csv", "x.parquet", "does not hold Parquet"),
        ("t.csv", "x.npz", "does not hold an NPZ archive"),
        ("t.jsonl", "x.csv", "holds JSON lines"),
        ("t.csv", "x.csv.gz", "does not hold the gzip data"),
        ("t.parquet.gz", "x.csv.gz", PARQUET),
        ("t.parquet.gz", "x.parquet", "gzip -dc"),
        ("t.csv.gz.gz", "x.csv.gz", "compressed twice"),
    ],
)
def test_content_that_belies_the_name(tmp_path: Path, content: str, name: str, says: str) -> None:
    raw = content.replace(".gz", "")
    data = write(tmp_path / raw).read_bytes()
    for _ in range(content.count(".gz")):
        data = gzip.compress(data)
    (tmp_path / name).write_bytes(data)
    assert says in refused(str(tmp_path / name))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"\x28\xb5\x2f\xfd0000", "zstd -dc"),
        (b"BZh91AY&SY0000", "bzip2 -dc"),
        (b"\xfd7zXZ\x00000", "xz -dc"),
        (b"ARROW1\0\0", "Arrow IPC"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"PK\3\4" + b"\0" * 22 + b"\x13\0\0\0[Content_Types].xml", "Excel workbook"),
        (b"PK\3\4" + b"\0" * 22 + b"\x08\0\0\0data.pkl", "zip archive"),
        (b"\x80\x04\x95", "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"PARE\x15\x00", "encrypted"),
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x"])
def test_content_that_is_not_read(tmp_path: Path, head: bytes, says: str, name: str) -> None:
    (tmp_path / name).write_bytes(head + b" more")
    assert says in refused(str(tmp_path / name))
    with piped(head + b" more") as path:
        assert says in refused(path)


def test_letters_that_begin_a_magic_number_are_still_text(tmp_path: Path) -> None:
    for name in ("PAR1", "BZh1", "PK", "ARROW1"):
        path = tmp_path / "x.csv"
        path.write_text(f"{name},pred,count,label\n0,1,2,a\n")
        assert read(str(path)) == [[1.0], [2], ["a"]]


def test_an_option_takes_the_place_of_the_suffix(tmp_path: Path) -> None:
    data = write(tmp_path / "t.parquet").read_bytes()
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    same(read(str(path), options=ReadOptions(format="parquet")))
    assert "to be read as csv, holds Parquet" in refused(
        str(tmp_path / "t.parquet"), ReadOptions(format="csv")
    )


def test_gzip_is_read_whatever_the_name(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(write(tmp_path / "t.csv.gz").read_bytes())
    same(read(str(path)))
    source = open_source(str(path), ReadOptions())
    assert source.details["compression"] == "gzip"
    source.close()


def test_every_member_of_gzip_is_read(tmp_path: Path) -> None:
    plain = write(tmp_path / "t.jsonl").read_bytes()
    parts = [plain[:7], b"", plain[7:100], plain[100:]]
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(b"".join(gzip.compress(part) for part in parts))
    same(read(str(path)))


@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.gz"])
def test_gzip_that_is_cut_or_damaged_or_followed_by_anything(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / name).read_bytes()
    path = tmp_path / ("x" + name)
    for length in range(2, len(data)):
        path.write_bytes(data[:length])
        assert "gzip data is cut short" in refused(str(path))
    for place in range(len(data) - 8, len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert "gzip data is damaged" in refused(str(path))
    for more in (b"\0", b"more", b"\x1f\x8b"):
        path.write_bytes(data + more)
        says = refused(str(path))
        assert "follow gzip member 1" in says or "cut short" in says


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.npz", "t.npy"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    long = "x" * 1000  # text so long that it is not read at once
    if name.endswith(".npy"):
        np.save(path, np.array(PRED))
    elif name.endswith(".csv"):
        path.write_text("pred,pad\n" + f"1.5,{long}\n" * 6000)
    elif name.endswith(".jsonl"):
        path.write_text((json.dumps({"pred": 1.5, "pad": long}) + "\n") * 6000)
    else:
        write(path)
    source = open_source(str(path), ReadOptions())
    blocks = source.blocks([Wanted(0)], 1)
    next(blocks)
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataError, match="changed while it was read"):
        list(blocks)
    source.close()


@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.gz", "t.parquet", "t.npz"])
def test_every_cut_is_noticed(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / name).read_bytes()
    path = tmp_path / ("x" + name)
    for length in range(0, len(data), max(1, len(data) // 150)):
        path.write_bytes(data[:length])
        with pytest.raises(LossctlError):
            read(str(path))


def test_flipped_bits_end_in_a_table_or_in_one_error(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("t.parquet", "t.npz", "t.jsonl"):
        data = write(tmp_path / name).read_bytes()
        path = tmp_path / ("x" + name)
        for place in random.integers(0, len(data), 300):
            damaged = bytearray(data)
            damaged[place] ^= 1 << int(random.integers(0, 8))
            path.write_bytes(damaged)
            with contextlib.suppress(LossctlError):
                read(str(path))


def test_importing_only_what_is_used(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array(PRED))
    np.savez(tmp_path / "x.npz", pred=np.array(PRED))
    (tmp_path / "x.jsonl").write_text('{"pred": 1}\n')
    script = (
        "import sys; from lossctl.readers import open_source\n"
        "from lossctl.readers.source import ReadOptions, Wanted\n"
        "for path in sys.argv[1:]:\n"
        "    list(open_source(path, ReadOptions()).blocks([Wanted(0)], 4))\n"
        "print(sorted({'pyarrow', 'pandas', 'scipy', 'rich'} & set(sys.modules)))"
    )
    paths = [str(tmp_path / name) for name in ("x.npy", "x.npz", "x.jsonl")]
    done = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_columns_of_integers_join_without_loss() -> None:
    """A block with NaN under a missing cell, one of int64 and one of uint64."""
    lacking = np.array([True, False])
    parts = [
        Cells(np.array([np.nan, 2.0]), lacking),
        Cells(np.array([2**53 + 1], dtype=np.int64)),
        Cells(np.array([2**64 - 1], dtype=np.uint64)),
    ]
    cutter = Rechunker(10)
    for part in parts:
        assert not list(cutter.push(Rows(len(part.values), [part])))
    (rows,) = cutter.finish()
    assert rows.cells[0].values.tolist() == [0, 2, 2**53 + 1, 2**64 - 1]
    assert rows.cells[0].missing.tolist() == [True, False, False, False]


def test_a_zip_that_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"x")
    assert "no array" in refused(str(path))
