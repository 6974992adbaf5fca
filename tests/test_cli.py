"""The program as a user meets it: streams, exit codes, errors, and the same bits by every road."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lossctl.cli import run

DATA = Path(__file__).parent.parent / "sample_data"
RIDGE, TARGET = str(DATA / "diabetes/ridge.csv"), str(DATA / "diabetes/target.csv")
TINY = DATA / "tiny"


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def lossctl(capfd, monkeypatch):
    """Run the program in this process."""
    monkeypatch.delenv("LOSSCTL_FORMAT", raising=False)

    def call(*arguments) -> Result:
        capfd.readouterr()
        status = int(run([str(argument) for argument in arguments]))
        return Result(status, *capfd.readouterr())

    return call


def failed(result: Result, status: int, *said: str) -> None:
    """One line on stderr that says so, nothing on stdout, the documented status."""
    assert (result.status, result.out) == (status, ""), result.err
    assert result.err.startswith("lossctl: ")
    assert result.err.count("\n") == 1
    for text in said:
        assert text in result.err


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# --- the same bits by every road ----------------------------------------------------------------


def stripped(result: Result) -> str:
    assert result.status == 0, result.err
    report = result.json
    del report["inputs"]
    return json.dumps(report)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npy", "csv.gz"])
def test_formats_give_the_same_report(lossctl, suffix):
    expected = stripped(lossctl("eval", RIDGE, TARGET, "-f", "json"))
    side = DATA / f"diabetes/target.{suffix.removesuffix('.gz')}"
    assert (
        stripped(lossctl("eval", DATA / f"diabetes/ridge.{suffix}", side, "-f", "json")) == expected
    )


def test_stdin_gives_the_same_report(lossctl):
    expected = stripped(lossctl("eval", RIDGE, TARGET, "-f", "json"))
    for name in ("ridge.csv", "ridge.csv.gz", "ridge.npy", "ridge.parquet"):
        with (DATA / "diabetes" / name).open("rb") as file:
            done = subprocess.run(
                [sys.executable, "-m", "lossctl", "eval", "-", TARGET, "-f", "json"],
                stdin=file, capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert stripped(Result(done.returncode, done.stdout, done.stderr)) == expected, name


@pytest.mark.parametrize("options", [
    ["--block-rows", "1", "--threads", "1"], ["--block-rows", "7"], ["--block-rows", "4096"],
    ["--block-rows", "all"], ["--threads", "1"], ["--threads", "3", "--block-rows", "50"],
])  # fmt: skip
def test_blocks_and_threads_change_no_byte(lossctl, options):
    expected = lossctl("eval", RIDGE, TARGET, "-f", "json").out
    assert lossctl("eval", RIDGE, TARGET, "-f", "json", *options).out == expected


def test_a_key_makes_row_order_irrelevant(lossctl, tmp_path):
    head, *lines = Path(RIDGE).read_text().splitlines()
    rng = np.random.default_rng(4)
    shuffled = write(tmp_path / "s.csv", "\n".join([head, *rng.permutation(lines)]) + "\n")

    def without_rows(result):
        report = result.json
        for row in [
            *report["worst"]["rows"],
            *(x["worst"] for x in report["losses"] if x["worst"]),
        ]:
            row.pop("row")
            row.pop("target_row", None)
        del report["inputs"], report["parts"]["outliers"]["rows"]
        return json.dumps(report)

    expected = without_rows(lossctl("eval", RIDGE, TARGET, "--on", "id", "-f", "json"))
    assert without_rows(lossctl("eval", shuffled, TARGET, "--on", "id", "-f", "json")) == expected


# --- the source examples -------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "mae", "rmse"), [
    ("outliers_none", 1.0, 1.224744871391589), ("outliers_one", 3.8, 6.797058187186572),
])  # fmt: skip
def test_outlier_tables(lossctl, name, mae, rmse):
    result = lossctl("eval", TINY / f"{name}_pred.csv", TINY / f"{name}_target.csv", "-f", "json")
    losses = {one["spec"]: one for one in result.json["losses"]}
    assert losses["mae"]["value"] == mae
    assert losses["rmse"]["value"] == pytest.approx(rmse, rel=1e-15)


def test_the_pair(lossctl):
    report = lossctl("eval", TINY / "pair_pred.csv", TINY / "pair_target.csv", "-f", "json").json
    losses = {one["spec"]: one for one in report["losses"]}
    assert (losses["mae"]["value"], losses["mse"]["value"]) == (2.0, 5.0)
    worst = report["worst"]["rows"][0]
    assert (worst["row"], worst["shares"]["mse"], worst["shares"]["mae"]) == (1, 0.9, 0.75)
    assert "90 % of the MSE but 75 % of the MAE" in report["finding"]


def test_large_outlier_shares(lossctl):
    result = lossctl("eval", TINY / "outliers_one_pred.csv", TINY / "outliers_one_target.csv",
                     "-f", "json")  # fmt: skip
    worst = result.json["worst"]["rows"][0]
    assert worst["shares"]["mse"] == 225 / 231
    assert worst["shares"]["mae"] == 15 / 19


# --- output --------------------------------------------------------------------------------------


def test_score_only_is_one_number(lossctl):
    result = lossctl("eval", RIDGE, TARGET, "-b", "-l", "rmse")
    assert result.out == "54.732475556335984\n"
    assert result.err == ""


def test_a_pipe_gets_tsv_at_full_precision(lossctl):
    lines = lossctl("eval", RIDGE, TARGET, "-l", "mae,rmse").out.splitlines()
    assert lines[0].split("\t")[:2] == ["loss", "value"]
    assert lines[1].split("\t")[:2] == ["mae", "44.49160213120436"]


def test_format_from_the_environment(lossctl, monkeypatch):
    monkeypatch.setenv("LOSSCTL_FORMAT", "json")
    assert lossctl("eval", RIDGE, TARGET).json["schema"] == 1


def test_output_and_exports(lossctl, tmp_path):
    md = write(tmp_path / "summary.md", "before\n")
    result = lossctl("eval", RIDGE, TARGET, "-o", tmp_path / "r.json", "--export",
                     tmp_path / "r.csv", "--export", f"md+={md}")  # fmt: skip
    assert (result.status, result.out) == (0, "")
    assert json.loads((tmp_path / "r.json").read_text())["command"] == "eval"
    assert (tmp_path / "r.csv").read_text().startswith("loss,value")
    assert md.read_text().startswith("before\n")
    assert "mae" in md.read_text()
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".lossctl")] == []


def test_an_error_leaves_outputs_alone(lossctl, tmp_path):
    kept = write(tmp_path / "r.json", "kept")
    failed(lossctl("eval", tmp_path / "none.csv", TARGET, "-o", kept), 3, "none.csv")
    assert kept.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [kept]


def test_an_output_that_cannot_be_written(lossctl, tmp_path):
    failed(
        lossctl("eval", RIDGE, TARGET, "-f", "json", "-o", tmp_path / "no/dir.json"), 5, "dir.json"
    )
    failed(lossctl("eval", RIDGE, TARGET, "--export", "json=/dev/full"), 5, "/dev/full")


def test_writing_over_an_input_is_refused(lossctl, tmp_path):
    copy = shutil.copy(RIDGE, tmp_path / "ridge.csv")
    failed(lossctl("eval", copy, TARGET, "-o", copy), 2, "is an input")


def test_color_and_width(lossctl, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    plain = lossctl("eval", RIDGE, TARGET, "-f", "table").out
    colored = lossctl("eval", RIDGE, TARGET, "-f", "table", "--color", "always").out
    assert "\x1b" not in plain
    assert "\x1b[" in colored
    assert max(map(len, plain.splitlines())) <= 80


def test_verbose_and_quiet(lossctl):
    assert "ridge.csv as csv, columns pred" in lossctl("eval", RIDGE, TARGET, "-v").err
    broken = str(DATA / "diabetes/broken.csv")
    assert "not to be trusted" in lossctl("eval", broken, TARGET).err
    assert lossctl("eval", broken, TARGET, "-q").err == ""


# --- a real process: pipes and signals -----------------------------------------------------------


def process(*arguments: object, **more) -> subprocess.Popen:
    command = [sys.executable, "-m", "lossctl", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **more)


def test_a_reader_that_leaves_gives_141(tmp_path):
    read, writing = os.pipe()
    os.close(read)
    done = process("eval", RIDGE, TARGET, stdout=writing)
    os.close(writing)
    assert done.communicate()[1] == b""
    assert done.returncode == 141


def test_a_full_device_gives_5():
    with Path("/dev/full").open("wb") as full:
        done = process("eval", RIDGE, TARGET, stdout=full)
        assert b"No space left" in done.communicate()[1]
    assert done.returncode == 5


def test_closed_stdout_gives_5():
    command = f"{sys.executable} -m lossctl eval {RIDGE} {TARGET} >&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption(tmp_path, sent, status):
    fifo = tmp_path / "slow.csv"
    os.mkfifo(fifo)
    done = process("eval", fifo, TARGET, stdout=subprocess.PIPE)
    with fifo.open("wb"):  # opens once the program reads; it waits for data
        done.send_signal(sent)
        out, err = done.communicate(timeout=30)
    assert (done.returncode, out, err) == (status, b"", b"")


def test_a_fifo_is_read(lossctl):
    command = f"{sys.executable} -m lossctl eval <(cat {RIDGE}) <(gzip -c {TARGET}) -b -l mae"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "44.49160213120436\n"


# --- bad input -----------------------------------------------------------------------------------


def test_usage_errors(lossctl):
    failed(lossctl("eval", RIDGE, TARGET, "-l", "hubber"), 2, "hubber", "huber")
    failed(lossctl("eval", RIDGE, TARGET, "-l", "huber:detla=2,mea"), 2, "detla", "delta", "mea")
    failed(lossctl("eval", RIDGE, TARGET, "-l", "huber:delta=-1"), 2, "delta", "> 0")
    failed(lossctl("eval", RIDGE, TARGET, "--reduction", "avg"), 2, "avg")
    failed(lossctl("eval", RIDGE, TARGET, "--pred-col", "nope"), 2, "nope", "pred")
    failed(lossctl("eval", RIDGE, TARGET, "--nan", "maybe"), 2, "--nan")
    failed(lossctl("eval", "-", "-"), 2, "standard input")
    failed(lossctl("eval", RIDGE, TARGET, "-f", "xml"), 2, "xml")
    failed(lossctl("eval", RIDGE, TARGET, "-l", "mase"), 2, "train", "--role")
    failed(lossctl("eval", RIDGE), 2)
    failed(lossctl("nothing"), 2)
    failed(lossctl("eval", RIDGE, TARGET, "--on", "id", "--by-row"), 2)


def test_files_that_are_not_there(lossctl, tmp_path):
    failed(lossctl("eval", tmp_path / "p.csv", TARGET), 3, "p.csv")
    failed(lossctl("eval", tmp_path, TARGET), 3, "directory")
    failed(lossctl("eval", write(tmp_path / "e.csv", ""), TARGET), 3, "e.csv")
    failed(lossctl("eval", write(tmp_path / "h.csv", "pred\n"), TARGET), 3, "h.csv")
    failed(lossctl("eval", write(tmp_path / "b.csv", bytes(range(256)) * 9), TARGET), 3, "b.csv")
    failed(lossctl("eval", shutil.copy(DATA / "diabetes/ridge.npy", tmp_path / "n.csv"), TARGET), 3)
    failed(lossctl("eval", RIDGE, "https://example.org/t.csv"), 2, "https")


def test_damaged_files(lossctl, tmp_path):
    whole = (DATA / "diabetes/ridge.parquet").read_bytes()
    failed(lossctl("eval", write(tmp_path / "t.parquet", whole[: len(whole) // 2]), TARGET), 3)
    packed = (DATA / "diabetes/ridge.csv.gz").read_bytes()
    failed(lossctl("eval", write(tmp_path / "t.csv.gz", packed[:-30]), TARGET), 3, "t.csv.gz")
    npy = (DATA / "diabetes/ridge.npy").read_bytes()
    failed(lossctl("eval", write(tmp_path / "t.npy", npy[:-8]), TARGET), 3, "t.npy")
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object))
    failed(lossctl("eval", tmp_path / "o.npy", TARGET), 3, "o.npy")


def pair(tmp_path: Path, pred: str, target: str) -> tuple[Path, Path]:
    return write(tmp_path / "p.csv", pred), write(tmp_path / "t.csv", target)


def test_rows_that_cannot_be_read(lossctl, tmp_path):
    good = "y\n1\n2\n3\n"
    failed(lossctl("eval", *pair(tmp_path, "p,q\n1,2\n3\n5,6\n", good)), 3, "line 3")
    failed(lossctl("eval", *pair(tmp_path, "p\n1\n\x00\n3\n", good)), 3, "NUL")
    failed(lossctl("eval", write(tmp_path / "l.csv", b"p\n1\n\xe9\n3\n"), tmp_path / "t.csv"), 3)
    failed(lossctl("eval", *pair(tmp_path, "p\n1\nabc\n3\n", good)), 3, "line 3", "abc")
    failed(lossctl("eval", *pair(tmp_path, "p\n1\n1e400\n3\n", good)), 3, "line 3")
    failed(lossctl("eval", *pair(tmp_path, "p,p\n1,2\n1,2\n3,4\n", good)), 2, "p.csv")
    failed(lossctl("eval", *pair(tmp_path, "name\na\nb\nc\n", good)), 3, "name is text")
    failed(lossctl("eval", *pair(tmp_path, "name\na\nb\nc\n", good), "-l", "mae"), 3,
           "no numeric column")  # fmt: skip


def test_values_that_are_not_finite(lossctl, tmp_path):
    files = pair(tmp_path, "p\n1\nnan\n\ninf\n5\n".replace("\n\n", "\nNA\n"), "y\n1\n2\n3\n4\n6\n")
    failed(lossctl("eval", *files), 3, "3 values", "#1 #2 #3", "--nan drop")
    report = lossctl("eval", *files, "--nan", "drop", "-f", "json").json
    assert report["rows"]["scored"] == 2
    assert report["rows"]["dropped"]["nan"] == 3


def test_shapes(lossctl, tmp_path):
    failed(lossctl("eval", *pair(tmp_path, "p\n1\n2\n", "y\n1\n2\n3\n")), 3, "2 rows", "3")
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(3, 2))
    np.save(tmp_path / "b.npy", np.arange(3.0))
    np.save(tmp_path / "c.npy", np.arange(3.0).reshape(3, 1) + 1)
    failed(lossctl("eval", tmp_path / "a.npy", tmp_path / "b.npy", "-l", "mae"), 3, "broadcast")
    assert lossctl("eval", tmp_path / "c.npy", tmp_path / "b.npy", "-b", "-l", "mae").out == "1.0\n"


def test_pairing_is_guarded(lossctl, tmp_path):
    files = pair(tmp_path, "id,p\na,1\nb,2\n", "id,y\nb,2\na,1\n")
    failed(lossctl("eval", *files), 3, "id", "row #0", "--on id", "--by-row")
    assert lossctl("eval", *files, "--on", "id", "-b", "-l", "mae").out == "0.0\n"
    assert lossctl("eval", *files, "--by-row", "-b", "-l", "mae").out == "1.0\n"


def test_keys(lossctl, tmp_path):
    files = pair(tmp_path, "id,p\na,1\nb,2\nc,9\n", "id,y\nb,2\na,1\n")
    failed(lossctl("eval", *files, "--on", "id"), 3, "'c'", "--missing drop")
    report = lossctl("eval", *files, "--on", "id", "--missing", "drop", "-f", "json").json
    assert report["rows"]["dropped"]["unmatched"] == 1
    files = pair(tmp_path, "id,p\na,1\na,2\n", "id,y\na,3\n")
    failed(lossctl("eval", *files, "--on", "id"), 3, "--duplicates")
    for which, value in (("first", "2.0\n"), ("last", "1.0\n")):
        assert lossctl(
            "eval", *files, "--on", "id", "--duplicates", which, "-b", "-l", "mae"
        ).out == (value)
    failed(lossctl("eval", *pair(tmp_path, "id,p\n1,1\n", "id,y\n01,1\n"), "--on", "id"), 3)


def test_weights(lossctl, tmp_path):
    for weights, said in (("1,-1", "-1"), ("1,nan", "nan"), ("0,0", "every weight is 0")):
        first, second = weights.split(",")
        files = pair(tmp_path, f"p,w\n1,{first}\n2,{second}\n", "y\n1\n1\n")
        failed(lossctl("eval", *files, "--weight-col", "w"), 3, said)
    files = pair(tmp_path, "p,w\n1,1\n3,3\n", "y\n0\n1\n")
    assert lossctl("eval", *files, "--weight-col", "w", "-b", "-l", "mae").out == "1.75\n"


def test_domains(lossctl, tmp_path):
    files = pair(tmp_path, "p\n1\n-3\n", "y\n1\n2\n")
    failed(lossctl("eval", *files, "-l", "msle"), 3, "row #1", "-3", "msle", "> -1")


def test_where(lossctl, tmp_path):
    files = pair(tmp_path, "p,g,a\n1,x,5\n2,y,6\n3,x,7\n", "y\n0\n0\n0\n")
    options = ["-b", "-l", "mae", "--pred-col", "p"]
    assert lossctl("eval", *files, "--where", "g == x", *options).out == "2.0\n"
    assert lossctl("eval", *files, "--where", "a > 5", "--where", "g!=y", *options).out == "3.0\n"
    failed(lossctl("eval", *files, "--where", "a > 99", *options), 3, "no rows are left")
    failed(lossctl("eval", *files, "--where", "h == 1", *options), 2, "h")


def test_labels_stay_labels(lossctl, tmp_path):
    files = pair(tmp_path, "id,p\nNA,1\nNone,2\n", "id,y\nNone,2\nNA,1\n")
    report = lossctl("eval", *files, "--on", "id", "-f", "json").json
    assert {row["id"] for row in report["worst"]["rows"]} == {"NA", "None"}


def test_one_file(lossctl, tmp_path):
    data = write(tmp_path / "d.csv", "p,y\n1,2\n3,5\n")
    assert lossctl("eval", data, "-b", "-l", "mae").out == "1.5\n"
    assert lossctl(
        "eval", data, "--pred-col", "y", "--target-col", "1", "-b", "-l", "bias"
    ).out == ("1.5\n")


def test_hostile_text_is_inert(lossctl, tmp_path):
    nasty = "\x1b]8;;http://x\x07[red]::error::\u202e"
    pred = write(tmp_path / "p.csv", f'id,"{nasty}"\n"{nasty}",1\nb,3\n')
    target = write(tmp_path / "t.csv", "y\n0\n0\n")
    for form in ("table", "tsv", "json", "csv", "md", "html"):
        result = lossctl("eval", pred, target, "--id-col", "id", "-f", form)
        assert result.status == 0, result.err
        if form != "json":
            assert "\x1b" not in result.out
            assert "\u202e" not in result.out
    failed(lossctl("eval", pred, target, "--pred-col", "no\x1bne"), 2, "no\\x1bne")


def test_inspect(lossctl, tmp_path):
    found = lossctl("inspect", RIDGE, TARGET, "-f", "json").json
    assert [file["rows"] for file in found["files"]] == [442, 442]
    assert found["files"][1]["columns"][1]["sum"] == 67243
    assert found["alignment"] == ["by row: 442 rows each", "id: the same in every row"]
    pred, target = pair(tmp_path, "id,p\na,1\nb,2\n", "id,y\nb,2\na,1\nc,3\n")
    said = lossctl("inspect", pred, target, "-f", "table").out
    assert "--on id pairs 2 rows, 1 without a partner" in said
    failed(lossctl("inspect", write(tmp_path / "x.csv", "a\n12ö4\n")), 3, "12ö4")
    assert lossctl("inspect", RIDGE).out.startswith("file\tnumber\tname")


def test_inspect_sums_beyond_float64(lossctl, tmp_path):
    huge = write(tmp_path / "h.csv", "a\n1.5e308\n1.5e308\n0.25\n")
    found = lossctl("inspect", huge, "-f", "json").json
    assert found["files"][0]["columns"][0]["sum"] == 2 * int(1.5e308)


def test_losses_lists_every_loss(lossctl):
    lines = lossctl("losses").out.splitlines()
    assert {"mae", "huber", "r2"} <= {line.split("\t")[0] for line in lines}
