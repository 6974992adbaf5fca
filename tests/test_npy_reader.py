"""NPY and NPZ: every numeric type, shape and order against NumPy; and files that lie."""

import contextlib
import io
import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lossctl.errors import DataError
from lossctl.readers import open_source
from lossctl.readers.source import ReadOptions, Wanted

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def npy(descr: str, shape: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """An array file whose header is written as given."""
    return raw(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data, version)


def raw(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1")
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text


def blocks(path: Path, size: int = 3, wanted: Wanted | None = None) -> list:
    source = open_source(str(path), ReadOptions())
    try:
        return [rows.cells[0] for rows in source.blocks([wanted or Wanted(0)], size)]
    finally:
        source.close()


def values(path: Path, size: int = 3) -> list:
    found = blocks(path, size)
    assert all(len(cells.values) == size for cells in found[:-1])
    assert all(cells.missing is None for cells in found)
    return [value for cells in found for value in cells.values.tolist()]


def refused(tmp_path: Path, data: bytes, name: str = "x.npy", limit: int | None = None) -> str:
    (tmp_path / name).write_bytes(data)
    options = ReadOptions() if limit is None else ReadOptions(max_expansion=limit)
    with pytest.raises(DataError) as caught:
        source = open_source(str(tmp_path / name), options)
        try:
            list(source.blocks([Wanted(i) for i in range(len(source.columns))], 2))
        finally:
            source.close()
    assert "pickle=" not in str(caught.value)
    return str(caught.value)


@SETTINGS
@given(data=st.data(), size=st.integers(1, 9), order=st.sampled_from("CF"))
def test_every_type_shape_and_order_is_what_numpy_reads(
    tmp_path: Path, data: st.DataObject, size: int, order: str
) -> None:
    dtype = np.dtype(data.draw(st.sampled_from("<>")) + data.draw(st.sampled_from(DTYPES)))
    shape = data.draw(st.sampled_from([(1,), (7,), (7, 1), (1, 4), (5, 3)]))
    array = data.draw(hnp.arrays(dtype, shape))
    path = tmp_path / "x.npy"
    np.save(path, np.asarray(array, order=order))
    expected = np.load(path)
    if shape[1:] == (1,):
        expected = expected[:, 0]
    found = np.array(values(path, size), dtype=object)
    assert found.shape == expected.shape
    if dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            exact = expected.astype(np.float64)  # widening is exact
        assert found.astype(np.float64).tobytes() == exact.tobytes() or np.isnan(exact).any()
        np.testing.assert_array_equal(found.astype(np.float64), exact)
    else:
        assert [int(value) for value in found.flat] == [int(value) for value in expected.flat]


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0", b"\3\0"])
def test_every_version_of_the_format(tmp_path: Path, version: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(npy("'<f8'", "(2,)", version=version) + struct.pack("<2d", 1.5, -2.5))
    assert values(path) == [1.5, -2.5]


def test_a_header_that_python_2_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(npy("'<f8'", "(2L,)") + struct.pack("<2d", 1.5, -2.5))
    assert values(path) == [1.5, -2.5]


def test_integers_beyond_float64_stay_exact(tmp_path: Path) -> None:
    for dtype, large in ((np.int64, [2**53 + 1, -(2**63), 2**63 - 1]), (np.uint64, [2**64 - 1, 1])):
        np.save(tmp_path / "x.npy", np.array(large, dtype))
        (cells,) = blocks(tmp_path / "x.npy", 9)
        assert cells.values.dtype == dtype
        assert cells.values.tolist() == large
    np.save(tmp_path / "x.npy", np.array([2**53, -(2**63), 2**60]))
    assert blocks(tmp_path / "x.npy", 9)[0].values.dtype == np.float64


def test_signalling_nan_and_infinity_are_values(tmp_path: Path) -> None:
    for code, dtype in ((0x7F800001, "<u4"), (0xFF800000, "<u4")):
        path = tmp_path / "x.npy"
        path.write_bytes(npy("'<f4'", "(1,)") + np.array([code], dtype).tobytes())
        (cells,) = blocks(path)
        assert not np.isfinite(cells.values[0])
        assert cells.missing is None


def test_text_is_text(tmp_path: Path) -> None:
    for array in (np.array(["NA", "é日", ""]), np.array([b"NA", "é日".encode(), b""])):
        np.save(tmp_path / "x.npy", array)
        (cells,) = blocks(tmp_path / "x.npy", 9, Wanted(0, "text"))
        assert cells.values.to_pylist() == ["NA", "é日", ""]
        with pytest.raises(DataError, match="text, not numbers"):
            blocks(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.array(["<U3", "1"]).astype(">U3"))
    assert blocks(tmp_path / "x.npy", 9, Wanted(0, "text"))[0].values.to_pylist() == ["<U3", "1"]


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        ([1, -(2**63), 2**53 + 1], ["1", "-9223372036854775808", "9007199254740993"]),
        ([0.1, 5.0, 1e300], ["0.1", "5.0", "1e+300"]),
        ([True, False], ["true", "false"]),
    ],
)
def test_numbers_as_text(tmp_path: Path, array: list, texts: list[str]) -> None:
    np.save(tmp_path / "x.npy", np.array(array))
    (cells,) = blocks(tmp_path / "x.npy", 9, Wanted(0, "text"))
    assert cells.values.to_pylist() == texts


GOOD = npy("'<f8'", "(2,)") + bytes(16)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (npy("'|O'", "(1,)") + pickle.dumps([1]), "could run code"),
        (npy("[('x', '<f8'), ('y', '|O')]", "(1,)") + bytes(16), "holds records"),
        (npy("'<c16'", "(1,)") + bytes(16), "complex"),
        (npy("'<M8[ns]'", "(1,)") + bytes(8), "dates"),
        (npy("'|V8'", "(1,)") + bytes(8), "raw bytes"),
        (npy("'<f16'", "(1,)") + bytes(16), "depends on the machine"),
        (npy("'|S0'", "(1000000000000,)"), "not a type that is read"),
        (npy("'f8,,f8'", "(1,)") + bytes(16), "not a type that is read"),
        (npy("'|b1'", "(3,)") + b"\0\1\2", "row 2: a bool is stored as 2"),
        (npy("'<U1'", "(1,)") + struct.pack("<I", 0x110000), "text, not numbers"),
        (npy("'<f8'", "()") + bytes(8), "0 dimensions"),
        (npy("'<f8'", "(2, 1, 1, 1, 2)") + bytes(32), "5 dimensions"),
        (npy("'<f8'", "(0,)"), "no rows"),
        (npy("'<f8'", "(3, 0)"), "no columns"),
        (npy("'<f8'", "(3,)") + bytes(16), "needs 24 bytes of data, 16 are there"),
        (GOOD + b"x", "1 more follow"),
        (GOOD + GOOD, "more follow"),
        (npy("'<f8'", "(65536, 65536)") + bytes(16), "34359738368 bytes"),
        (npy("'<f8'", "(4294967296, 4294967296)"), "needs 147573952589676412928 bytes"),
        (npy("'<f8'", "(-1,)") + bytes(8), "not one that NumPy writes"),
        (npy("'<f8'", "(True,)") + bytes(8), "not one that NumPy writes"),
        (npy("'<f8'", "(2)") + bytes(16), "not one that NumPy writes"),
        (npy("'<f8'", "(" + "9" * 5000 + ",)"), "not one that NumPy writes"),
        (npy("'<f8'", "(" * 4000 + ")" * 4000), "not one that NumPy writes"),
        (npy("'<f8'", "(__import__('os').getpid(),)"), "not one that NumPy writes"),
        (raw("{'descr': '<f8', 'shape': (2,), }", bytes(16)), "not one that NumPy writes"),
        (
            raw("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'shape': (1,), }"),
            "gives shape twice",
        ),
        (raw("{'descr': '<f8', 'fortran_order': 0, 'shape': (2,), }"), "not one that NumPy"),
        (raw(" " * 10_001), "more than the 10000 allowed"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff", "more than the 10000 allowed"),
        (b"\x93NUMPY\x09\0" + GOOD[8:], "version 9.0 is unknown"),
        (GOOD[:50], "cut short within the header"),
        (b"\x93NUMPY", "not an NPY array"),
    ],
)
def test_headers_that_lie(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in refused(tmp_path, data)


def test_a_lying_header_in_a_pipe_costs_no_memory() -> None:
    data = npy("'<f8'", "(1000000000000,)") + bytes(80)
    out, into = os.pipe()
    os.write(into, data)
    os.close(into)
    tracemalloc.start()
    source = open_source(f"/dev/fd/{out}", ReadOptions())
    with pytest.raises(DataError, match="cut short"):
        list(source.blocks([Wanted(0)], 10**12))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source.close()
    os.close(out)
    assert peak < 1 << 26


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("tail", [b"", b"x"])
def test_what_follows_an_array_in_a_pipe_is_noticed(order: str, tail: bytes) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(np.arange(12.0).reshape(4, 3), order=order))
    out, into = os.pipe()
    os.write(into, buffer.getvalue() + tail)
    os.close(into)
    found: list = []
    with pytest.raises(DataError, match="more") if tail else contextlib.nullcontext():
        source = open_source(f"/dev/fd/{out}", ReadOptions())
        with contextlib.closing(source):
            for rows in source.blocks([Wanted(0)], 3):
                found += rows.cells[0].values.tolist()
    os.close(out)
    assert tail or found == np.arange(12.0).reshape(4, 3).tolist()


def test_a_file_may_be_read_twice(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(5.0))
    np.savez(tmp_path / "x.npz", pred=np.arange(5.0))
    for name in ("x.npy", "x.npz"):
        source = open_source(str(tmp_path / name), ReadOptions())
        for _ in range(2):
            rows = source.blocks([Wanted(0)], 2)
            assert [v for b in rows for v in b.cells[0].values.tolist()] == [0, 1, 2, 3, 4]
        source.close()


def member(name: str, data: bytes, **attributes: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in members:
            file.writestr(member(name, data, compress_type=method), data)
    return buffer.getvalue()


def test_arrays_of_an_archive_are_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    pred, wide = np.arange(5.0), np.asfortranarray(np.arange(10).reshape(5, 2))
    for save in (np.savez, np.savez_compressed):
        save(path, pred=pred, wide=wide, seed=42, model=np.array([None]))
        source = open_source(str(path), ReadOptions())
        found = [(column.name, column.kind, column.width) for column in source.columns]
        assert found == [
            ("pred", "number", None),
            ("wide", "integer", 2),
            ("seed", "other", None),
            ("model", "other", None),
        ]
        assert source.rows == 5
        rows = list(source.blocks([Wanted(1), Wanted(0), Wanted(1)], 2))
        assert [block.count for block in rows] == [2, 2, 1]
        assert [v for b in rows for v in b.cells[0].values.tolist()] == wide.tolist()
        assert [v for b in rows for v in b.cells[1].values.tolist()] == pred.tolist()
        for index, says in ((2, "0 dimensions"), (3, "could run code")):
            with pytest.raises(DataError, match=says):
                list(source.blocks([Wanted(index)], 2))
        source.close()


def test_arrays_of_unlike_lengths_are_not_read_together(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", pred=np.arange(5.0), other=np.arange(4.0))
    source = open_source(str(tmp_path / "x.npz"), ReadOptions())
    assert source.rows is None
    assert sum(rows.count for rows in source.blocks([Wanted(1)], 3)) == 4
    with pytest.raises(DataError, match="'pred' has 5 rows, 'other' has 4"):
        list(source.blocks([Wanted(0), Wanted(1)], 3))
    source.close()


def test_archives_that_are_damaged_or_made_to_harm(tmp_path: Path) -> None:
    pred = ("pred.npy", GOOD)
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = archive(pred, pred)
    flipped = bytearray(archive(pred))
    flipped[30 + 8 + len(GOOD) - 1] ^= 1
    encrypted = bytearray(archive(pred))
    encrypted[6] |= 1
    encrypted[encrypted.find(b"PK\1\2") + 8] |= 1
    link = zipfile.ZipInfo("pred.npy")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    linked = io.BytesIO()
    with zipfile.ZipFile(linked, "w") as file:
        file.writestr(link, b"/etc/passwd")
    for data, says in [
        (archive(), "holds no arrays"),
        (twice, "twice"),
        (archive(("../pred.npy", GOOD)), "leads out"),
        (archive(("/pred.npy", GOOD)), "leads out"),
        (archive(("a\\pred.npy", GOOD)), "leads out"),
        (archive(("a.npy", GOOD), ("readme.txt", b"x")), "no array"),
        (archive(("a.npy", b"")), "not an NPY array"),
        (archive(("a.npy", GOOD + b"x")), "more follow"),
        (archive(pred, method=zipfile.ZIP_BZIP2), "method 12"),
        (bytes(flipped), "CRC"),
        (bytes(encrypted), "encrypted"),
        (linked.getvalue(), "symbolic link"),
        (archive(pred)[:-30], "damaged"),
        (archive(("a.npy", npy("'|O'", "(1,)") + pickle.dumps([1]))), "could run code"),
    ]:
        assert says in refused(tmp_path, data, "x.npz")


def test_archives_that_unpack_to_too_much(tmp_path: Path) -> None:
    size = 17 << 20
    zeros = npy("'<f8'", f"({size // 8},)") + bytes(size)
    packed = archive(("pred.npy", zeros), method=zipfile.ZIP_DEFLATED)
    assert "more than 1000 times its size" in refused(tmp_path, packed, "x.npz")
    small = archive(("pred.npy", GOOD), method=zipfile.ZIP_DEFLATED)
    assert "max_expansion (64)" in refused(tmp_path, small, "x.npz", limit=64)
    # Two entries of the directory that share one member.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(GOOD) + packer.flush()
    fields = (8, 0, 33, zlib.crc32(GOOD), len(data), len(GOOD), 5)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, *fields, 0) + b"a.npy" + data
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, *fields, 0, 0, 0, 0, 0, 0)
    directory = entry + b"a.npy" + entry + b"b.npy"
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(local), 0)
    assert "overlaps" in refused(tmp_path, local + directory + end, "x.npz")
