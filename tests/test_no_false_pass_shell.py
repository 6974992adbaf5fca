"""What must never pass, in processes: shells, make, signals, streams that are full or gone, and
limits of the system."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blocked import AGAINST, GOOD, OUTCOMES, snapshot, texts
from tests.test_cli import process, write

PROGRAM = f"{sys.executable} -m lossctl"
CHECK = f"{PROGRAM} check"
LINES = {  # by status
    0: GOOD, 1: "p.csv y.csv --max mae=0.1", 2: "p.csv y.csv --max hubber=1",
    3: "none.csv y.csv --max mae=1", 4: "p.csv y.csv --max mape=1", 5: f"{GOOD} -o none/x",
}  # fmt: skip
WAIT = 30  # seconds, for what takes one


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith("LOSSCTL_"):
            monkeypatch.delenv(name)
    for name, text in texts().items():
        write(tmp_path / name, text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*command: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=WAIT, **how
    )  # fmt: skip


def lossctl(line: str, *more: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return ran(sys.executable, "-m", "lossctl", "check", *line.split(), *more, **how)


def one_line(err: str) -> bool:
    return err.startswith("lossctl: ") and err.count("\n") == 1


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


# --- shells and make ----------------------------------------------------------------------------

SCRIPTS = {  # what is run; what is said of a gate that is met, and of one that is not
    "bash": ("{check} && echo deployed || echo blocked $?\n"
             "if {check}; then echo shipped; else echo stopped; fi",
             ["deployed", "shipped"], ["blocked {status}", "stopped"]),
    "dash": ("{check} && echo deployed || echo blocked $?", ["deployed"], ["blocked {status}"]),
    "sh": ("set -e\n{check}\necho deployed", ["deployed"], []),
}  # fmt: skip


@pytest.mark.parametrize("shell", SCRIPTS)
@pytest.mark.parametrize("status", [0, 1, 2, 3, 4, 5])
def test_a_shell_stops(folder: Path, shell: str, status: int) -> None:
    if shutil.which(shell) is None:
        return
    script, met, blocked = SCRIPTS[shell]
    done = ran(shell, "-c", script.format(check=f"{CHECK} {LINES[status]} >out 2>err"))
    expected = [one.format(status=status) for one in blocked] if status else met
    assert done.stdout.splitlines() == expected
    assert done.returncode == (status if shell == "sh" else 0)
    assert (Path("out").read_text() != "") == (status in OUTCOMES)
    assert one_line(Path("err").read_text()) == (status not in OUTCOMES)


RULES = """
.PHONY: told gate deploy
told:
\t@{check} >out 2>err || echo blocked $$?
gate:
\t@{check} >out 2>err
deploy: gate
\t@echo deployed
"""


@pytest.mark.parametrize("status", [0, 1, 2, 3, 4, 5])
def test_make_stops(folder: Path, status: int) -> None:
    if shutil.which("make") is None:
        return
    write(folder / "Makefile", RULES.format(check=f"{CHECK} {LINES[status]}"))
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = ran("make", "-s", "-k", "told", "deploy", env=environment)
    assert done.stdout == ("deployed\n" if status == 0 else f"blocked {status}\n")
    assert (done.returncode == 0) == (status == 0)
    assert (f"Error {status}" in done.stderr) == (status != 0)


def test_a_reader_that_leaves_at_once(folder: Path) -> None:
    script = f"{CHECK} {GOOD} -f json | head -c 0; echo ${{PIPESTATUS[0]}}"
    done = ran("bash", "-c", script)
    assert (done.stdout, done.stderr) == ("141\n", "")
    script = f"set -o pipefail; {CHECK} {LINES[1]} | head -c 0 || echo blocked $?"
    assert ran("bash", "-c", script).stdout == "blocked 141\n"


@pytest.mark.parametrize(("status", "form"), [
    (0, "table"), (0, "tsv"), (0, "json"), (0, "junit"), (1, "tsv"), (1, "github"), (4, "json"),
])  # fmt: skip
def test_a_closed_pipe(folder: Path, status: int, form: str) -> None:
    read, writing = os.pipe()
    os.close(read)
    done = process("check", *LINES[status].split(), "-f", form, stdout=writing)
    os.close(writing)
    assert done.communicate(timeout=WAIT)[1] == b""
    assert done.returncode == 141


# --- streams that are full or closed ------------------------------------------------------------

STREAMS = [  # the line, what the shell does to the streams, and the status
    (GOOD, ">/dev/full", 5), (LINES[1], ">/dev/full", 5), (LINES[4], ">/dev/full", 5),
    (LINES[2], ">/dev/full", 2), (f"{GOOD} --exit-zero -f json", ">/dev/full", 5),
    (GOOD, ">&-", 5), (LINES[1], ">&-", 5), (LINES[4], ">&-", 5), (LINES[2], ">&-", 2),
    (f"{GOOD} --exit-zero", ">&-", 5), (f"{GOOD} -f html", ">/dev/full", 5),
    (LINES[1], "2>&-", 1), (LINES[2], "2>&-", 2), (LINES[3], "2>/dev/full", 3),
    (f"{LINES[4]} --max mae=0.1", "2>&-", 4), (f"{LINES[4]} --max mae=0.1", "2>/dev/full", 4),
    (LINES[2], ">&- 2>&-", 2), (LINES[1], ">&- 2>&-", 5), (f"{GOOD} -o none/x", "2>&-", 5),
    (f"{GOOD} --export junit=/dev/full", "", 5), (f"{GOOD} -o /dev/full", "", 5),
    ("- y.csv --max mae=1", "<&-", 3), ("- y.csv --max mae=1", "</dev/null", 3),
    ("- y.csv --max mae=1", "<base.json", 3), ("p.csv - --max mae=1", "<base.state", 3),
    (f"{AGAINST} -", "<base.csv", 4),
]  # fmt: skip


@pytest.mark.parametrize(("line", "streams", "status"), STREAMS)
def test_a_stream_that_is_full_or_closed(
    folder: Path, line: str, streams: str, status: int
) -> None:
    before = snapshot(folder)
    done = ran("bash", "-c", f"{CHECK} {line} {streams}", stdin=subprocess.DEVNULL)
    assert done.returncode == status, done
    assert snapshot(folder) == before
    heard = "2>" not in streams
    if status in OUTCOMES:
        assert done.stdout.startswith("requirement\t")
        assert "lossctl:" not in done.stdout
    else:
        assert done.stdout == ""
        assert one_line(done.stderr) == heard


# --- signals ------------------------------------------------------------------------------------

SENT = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, 137), (signal.SIGHUP, 129)]


def told(done: subprocess.Popen[bytes]) -> int:
    """The status as a shell has it: one that a signal ends has 128 more than its number. (Python
    ends itself by SIGINT where that came in the middle of an import.)"""
    status = done.wait(WAIT)
    return status if status >= 0 else 128 - status


def unread(pipe: Any) -> int:
    """The bytes in a pipe that nobody has taken yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def caught(number: int) -> bool:
    """Whether a process has taken over SIGTERM, as the program does before all else."""
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(("side", "sent", "status"), [
    ("preds", *SENT[0]), ("preds", *SENT[1]), ("targets", *SENT[0]), ("targets", *SENT[1]),
    ("baseline", *SENT[0]), ("baseline", *SENT[1]), ("preds", *SENT[2]), ("preds", *SENT[3]),
])  # fmt: skip
def test_a_signal_while_a_file_is_read(
    folder: Path, side: str, sent: signal.Signals, status: int
) -> None:
    files = {"preds": "p.csv", "targets": "y.csv", "baseline": "base.csv", side: "slow.csv"}
    os.mkfifo("slow.csv")
    write(folder / "out.json", "kept")
    before = snapshot(folder)
    done = process("check", files["preds"], files["targets"], "--max-increase", "mae=50%",
                   "--baseline", files["baseline"], "-o", "out.json", "--export", "junit=new.xml",
                   stdout=subprocess.PIPE)  # fmt: skip
    with Path("slow.csv").open("wb", buffering=0) as file:  # once the program has opened it
        file.write(b"id,pred\nr0,1\n")
        until(lambda: not unread(file))
        done.send_signal(sent)
        assert told(done) == status
    assert done.communicate() == (b"", b"")
    assert snapshot(folder) == before


@pytest.mark.parametrize(("sent", "status"), SENT[:2])
def test_a_signal_while_stdin_is_slow(folder: Path, sent: signal.Signals, status: int) -> None:
    done = process("check", "-", "y.csv", "--max", "mae=1", stdin=subprocess.PIPE,
                   stdout=subprocess.PIPE)  # fmt: skip
    assert done.stdin is not None
    done.stdin.write(texts()["p.csv"].encode()[:-20])
    done.stdin.flush()
    until(lambda: not unread(done.stdin))
    assert done.poll() is None
    done.send_signal(sent)
    assert told(done) == status
    assert done.communicate() == (b"", b"")


@pytest.mark.parametrize("line", [f"{AGAINST} fifo", "fifo y.csv --max mae=1"])
def test_a_pipe_that_nobody_writes_to_waits_and_never_passes(folder: Path, line: str) -> None:
    os.mkfifo("fifo")
    done = process("check", *line.split(), stdout=subprocess.PIPE)
    until(lambda: caught(done.pid))
    time.sleep(0.5)
    assert done.poll() is None
    done.terminate()
    assert told(done) == 143
    assert done.communicate() == (b"", b"")


@pytest.mark.parametrize("written", [b"", b"id,pred\n", texts()["base.csv"].encode()[:300]])
@pytest.mark.parametrize("line", [f"{AGAINST} fifo", "fifo y.csv --max mae=1"])
def test_a_writer_that_ends_early(folder: Path, line: str, written: bytes) -> None:
    os.mkfifo("fifo")
    done = process("check", *line.split(), "--input-format", "csv", stdout=subprocess.PIPE)
    with Path("fifo").open("wb") as file:
        file.write(written)
    out, err = done.communicate(timeout=WAIT)
    assert (done.returncode, out) == (3, b"")
    assert one_line(err.decode())


def test_a_scoring_process_that_is_killed(folder: Path) -> None:
    count = 400_000
    np.save("p.npy", np.arange(count) + 0.5)
    np.save("y.npy", np.arange(count) * 1.0)
    done = process("check", "p.npy", "y.npy", "--max", "mae=1", "--threads", "3", "--block-rows",
                   "500", "-o", "out.json", stdout=subprocess.PIPE)  # fmt: skip
    children = Path(f"/proc/{done.pid}/task/{done.pid}/children")
    until(lambda: done.poll() is not None or children.read_text())
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    out, err = done.communicate(timeout=WAIT)
    assert (done.returncode, out) == (3, b"")
    assert one_line(err.decode())
    assert b"ended from outside" in err
    assert not Path("out.json").exists()


# --- limits of the system -----------------------------------------------------------------------


def limited(line: str, kind: int, most: int) -> subprocess.CompletedProcess[str]:
    return lossctl(line, preexec_fn=lambda: resource.setrlimit(kind, (most, most)))


@pytest.mark.parametrize(("option", "most"), [
    ("-o out.json", 0), ("--export json=out.json", 100), ("--export md+=out", 1),
])  # fmt: skip
def test_a_file_that_must_not_grow(folder: Path, option: str, most: int) -> None:
    before = snapshot(folder)
    done = limited(f"{GOOD} -f json {option}", resource.RLIMIT_FSIZE, most)
    assert (done.returncode, done.stdout) == (5, "")
    assert one_line(done.stderr)
    after = snapshot(folder)
    after.pop("out", None)  # what is appended to may hold a part
    assert after == before


@pytest.mark.parametrize("most", [60, 150])
def test_too_little_memory(folder: Path, most: int) -> None:
    """Libraries may end the process in ways of their own; it never says that all is well."""
    done = limited(f"{GOOD} -o out.json", resource.RLIMIT_AS, most << 20)
    assert done.returncode != 0
    assert done.stdout == ""
    assert not Path("out.json").exists()


@pytest.mark.parametrize("most", [5, 6])
def test_too_few_open_files(folder: Path, most: int) -> None:
    done = limited(GOOD, resource.RLIMIT_NOFILE, most)
    assert (done.returncode, done.stdout) == (3, "")
    assert one_line(done.stderr)
