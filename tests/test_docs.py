"""What the documents show is what happens: commands, outputs, links, tables, the walk-through.

In a `console` fence each line that begins with `$ ` is run by bash in a scratch folder, on a
terminal of 100 columns; `exit=N` in the fence's first line is the status it must end with. Lines
below a command are its output (stdout, then stderr); no lines: anything. A line `...` stands for
any lines. `pytest tests/test_docs.py --rewrite` writes the outputs again.
"""

from __future__ import annotations

import doctest
import fcntl
import importlib.util
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
SHOWN = ("README.md", "CONTRIBUTING.md", "examples/README.md", "docs/ci.md")
WRITTEN = sorted(
    [*SHOWN, "CHANGELOG.md", "sample_data/README.md"]
    + [str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")]
)
WIDTH = 100
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Shown:
    """A command of a document, where it stands, and what is shown below it."""

    document: str
    line: int
    command: str
    status: int
    output: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def fences(document: str, language: str) -> Iterator[tuple[int, str, str]]:
    """Line (from 1), the rest of the first line, and the text of each fence in a language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for match in re.finditer(rf"^```{language}\b(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        yield text[: match.start(2)].count("\n") + 1, match[1].strip(), match[2]


def commands(document: str) -> Iterator[Shown]:
    for line, said, text in fences(document, "console"):
        status = int(said.removeprefix("exit=") or 0)
        pieces = re.split(r"^\$ ", text, flags=re.MULTILINE)
        assert not pieces[0], f"{document}:{line}: a console fence begins with a command"
        for piece in pieces[1:]:
            command, _, output = piece.partition("\n")
            yield Shown(document, line, command, status, output)
            line += piece.count("\n")


COMMANDS = [one for document in SHOWN if (ROOT / document).exists() for one in commands(document)]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("docs"))


def prepare(folder: Path) -> Path:
    """What the documents' commands find: the project, and a user's files."""
    for name in ("sample_data", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    samples = ROOT / "sample_data" / "diabetes"
    shutil.copy(samples / "ridge.csv", folder / "preds.csv")
    shutil.copy(samples / "ridge.csv.gz", folder / "preds.csv.gz")
    shutil.copy(samples / "target.csv", folder / "target.csv")
    ids, pred = zip(*(line.split(",") for line in lines_of(samples / "ridge.csv")), strict=True)
    target = [line.split(",")[1] for line in lines_of(samples / "target.csv")]
    write_parquet(folder / "both.parquet", ids[1:], pred[1:], target[1:])
    return folder


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def write_parquet(path: Path, ids: tuple[str, ...], p: tuple[str, ...], y: list[str]) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = {"id": list(ids), "p": [float(one) for one in p], "y": [float(one) for one in y]}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def run(command: str, folder: Path) -> tuple[int, str]:
    """Exit status and output, stdout being a terminal."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LOSSCTL_")
    }
    environment |= {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    environment.pop("COLUMNS", None)
    environment.pop("MAKEFLAGS", None)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
    heard: list[bytes] = []
    child = subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", made(command)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    listener = threading.Thread(target=listen, args=(ours, heard))
    listener.start()
    assert child.stderr is not None
    errors = child.stderr.read().decode()
    child.stderr.close()
    status = child.wait(timeout=120)
    listener.join()
    os.close(ours)
    return status, b"".join(heard).decode().replace("\r\n", "\n") + errors


def listen(terminal: int, heard: list[bytes]) -> None:
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux says so when the last writer is gone
            return
        if not data:
            return
        heard.append(data)


def made(command: str) -> str:
    """`make TARGET` uses this environment instead of making one, and only `make demo` is carried
    out: of the others make says what it would do, as the tests would run themselves."""
    if not command.startswith("make "):
        return command
    how = "" if command == "make demo" else "--dry-run"
    environment = PROGRAMS.parent
    return f"{command} {how} -o {environment}/.lossctl-installed VENV={environment}"


def matches(expected: str, output: str) -> bool:
    parts = re.split(r"^\.\.\.\n", expected, flags=re.MULTILINE)
    return re.fullmatch(r"(?:.*\n)*?".join(map(re.escape, parts)), output) is not None


@pytest.mark.parametrize("shown", COMMANDS, ids=str)
def test_a_command_does_what_the_document_shows(
    shown: Shown, scratch: Path, request: pytest.FixtureRequest
) -> None:
    status, output = run(shown.command, scratch)
    assert status == shown.status, output
    if request.config.getoption("--rewrite") and shown.output and "...\n" not in shown.output:
        path = ROOT / shown.document
        before, after = f"$ {shown.command}\n{shown.output}", f"$ {shown.command}\n{output}"
        path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
        return
    if shown.output:
        assert matches(shown.output, output), f"{shown.command} printed\n{output}"


def test_the_readme_opens_with_two_commands() -> None:
    first = [one for one in COMMANDS if one.document == "README.md"][:2]
    assert [one.command for one in first] == ["make demo", "make test"]
    assert first[0].line < 8


def test_make_test_runs_pytest(scratch: Path) -> None:
    assert "-m pytest" in run("make test", scratch)[1]


def test_python_examples(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scratch)
    tried = 0
    for document in SHOWN:
        for line, _, text in fences(document, "python"):
            if ">>>" in text:
                example = doctest.DocTestParser().get_doctest(text, {}, document, document, line)
                assert doctest.DocTestRunner().run(example).failed == 0, f"{document}:{line}"
                tried += 1
    assert tried > 0


def test_the_table_of_exit_codes_is_complete() -> None:
    from lossctl.errors import ExitStatus

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Exit status")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == sorted(
        ExitStatus
    )


@pytest.mark.parametrize("document", WRITTEN)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    home = (ROOT / document).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"https?:", target):
            path, _, anchor = target.partition("#")
            path = path or Path(document).name  # an anchor alone is of this page
            assert (home / path).exists(), f"{document} links to {target}"
            if anchor:
                heads = re.findall(r"^#+ (.+)$", (home / path).read_text(), re.MULTILINE)
                assert anchor in [slug(head) for head in heads], f"{document} links to {target}"


def slug(head: str) -> str:
    return re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")


# --- generated pages --------------------------------------------------------------------------


@pytest.fixture
def generate() -> ModuleType:
    path = ROOT / "docs" / "generate.py"
    found = importlib.util.spec_from_file_location("generate_docs", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date(generate: ModuleType) -> None:
    assert generate.main(["--check"]) == 0


def test_a_stale_page_is_named(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = generate.pages()
    page = generate.LOSSES / "regression.md"
    pages[page] += "more\n"
    monkeypatch.setattr(generate, "pages", lambda: pages)
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/losses/regression.md is stale: make docs\n"


def test_every_option_of_every_command_is_documented(generate: ModuleType) -> None:
    from typer.main import get_command

    from lossctl.cli.app import app

    page = generate.cli_page()
    tree = get_command(app)
    for name, one in tree.commands.items():  # type: ignore[attr-defined]  # it is a group
        section = page.partition(f"## lossctl {name}\n")[2].partition("\n## ")[0]
        for parameter in one.params:
            for word in parameter.opts:
                assert word in section or word.upper() in section, f"{name} {word}"


# --- how to add a loss ------------------------------------------------------------------------


def walkthrough() -> list[str]:
    """The Python blocks of CONTRIBUTING's section, in order: the loss, then its oracle."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## How to add a loss")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def executed(code: str, name: str) -> dict[str, object]:
    names: dict[str, object] = {"__name__": name}
    exec(compile(code, name, "exec"), names)
    return names


def test_the_walk_through_adds_a_loss(tmp_path: Path) -> None:
    import lossctl
    from lossctl.loss import unregister

    pred, target = [2.0, 30.0, 0.5, 7.0], [1.0, 10.0, 4.0, 7.0]
    for name, values in (("pred", pred), ("target", target)):
        rows = "\n".join(map(repr, values))
        (tmp_path / f"{name}.csv").write_text(f"{name}\n{rows}\n")
    code, oracle_code = walkthrough()[:2]
    known = set(lossctl.losses.__dir__())
    executed(code, "lossctl.losses.walkthrough")
    try:
        (added,) = set(lossctl.losses.__dir__()) - known
        loss = getattr(lossctl.losses, added)
        oracle = executed(oracle_code, "tests.oracles.walkthrough")[added]
        files = tmp_path / "pred.csv", tmp_path / "target.csv"
        for spec, settings in ((added, {}), (f"{added}:base=10", {"base": 10})):
            terms = [oracle(p, t, **settings) for p, t in zip(pred, target, strict=True)]  # type: ignore[operator]  # a function
            result = lossctl.evaluate(*files, spec).losses[0]
            assert result.value == pytest.approx(float(sum(terms) / len(terms)), rel=1e-15)
            assert loss(pred, target, **settings) == pytest.approx(
                [float(term) for term in terms], rel=1e-15
            )
        with pytest.raises(lossctl.UsageError, match="base"):
            loss(pred, target, base=0.5)
        (tmp_path / "pred.csv").write_text("pred\n1\n0\n2\n3\n")
        with pytest.raises(lossctl.DataError, match=r"row #?1 is 0 but"):
            lossctl.evaluate(*files, added)
    finally:
        for name in set(lossctl.losses.__dir__()) - known:
            unregister(name)
