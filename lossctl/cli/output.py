"""Where results go: stdout, files replaced as a whole, files appended to."""

from __future__ import annotations

import codecs
import contextlib
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lossctl.cli import startup
from lossctl.errors import OutputError, ReaderLeftError, UsageError, inert
from lossctl.renderers import OF, SUFFIXES, known_format, render, suffix_format

if TYPE_CHECKING:
    from lossctl.report import Report

APPENDED = ("md", "table", "jsonl")  # formats of which two are one
FLAT = ("tsv", "csv", "jsonl")  # formats of one table
READ = ("table", "md")  # formats that people read, and the lines of a runner among them
OTHERS = (".xlsx", ".xls", ".ods", ".parquet", ".pq", ".feather", ".arrow", ".npy", ".npz", ".pkl",
          ".pdf", ".png", ".svg", ".yaml", ".yml", ".toml", ".db")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Destination:
    """A format and a file; no file is stdout."""

    format: str
    path: str | None = None
    append: bool = False


@dataclass(frozen=True, slots=True)
class Destinations:
    """Everything that one run writes."""

    all: tuple[Destination, ...]
    score_only: bool
    precision: int
    color: bool
    width: int
    ascii_only: bool = False

    @classmethod
    def of(
        cls,
        *,
        format: str | None,  # noqa: A002  the option's name
        output: str | None,
        exports: Sequence[str],
        score_only: bool,
        precision: int | None,
        color: str,
        inputs: Sequence[str | None],
        command: str,
    ) -> Destinations:
        """The destinations that the options of a command name, checked before anything is read."""
        styled = colored(color)
        if precision is not None and not 1 <= precision <= 17:
            raise UsageError(f"-p is {precision}", "it is a whole number from 1 to 17")
        exported = [_export(text) for text in exports]
        # A stdout that takes the lines of a runner is its log, which people read.
        log = any(one.path is None and one.format == "github" for one in exported)
        if format is not None:
            main = known_format(format)
        elif output is not None:
            main = _told(output)
        else:
            terminal = sys.stdout is not None and sys.stdout.isatty()
            main = "table" if terminal or log else "tsv"
        found = [Destination(main, None if output in (None, "-") else output), *exported]
        for destination in found:
            _of(destination.format, "-f" if destination is found[0] else "--export", command)
            _separate(destination, inputs)
        _share_stdout(found[0], exported)
        return cls(
            all=tuple(found),
            score_only=score_only,
            precision=precision or 4,
            color=styled,
            width=screen_width(),
            ascii_only=ascii_stdout(),
        )

    def refuse(self, commands: tuple[str, ...], why: str) -> None:
        """Raises UsageError for a format of what only these commands have."""
        for one in self.all:
            if OF.get(one.format) == commands:
                raise UsageError(f"{why}: {one.format} has nothing to say", "use table, md or json")

    def has(self, form: str) -> bool:
        """Whether anything is written in a format."""
        return any(one.format == form for one in self.all)

    def write(self, report: Report, *, quiet: bool) -> None:
        """Render everything, then write files, then stdout, the main format last. Raises
        OutputError."""
        texts = [
            (one, self._text(one, report, main=not place)) for place, one in enumerate(self.all)
        ]
        for one, text in texts:
            if one.path is not None:
                write_file(one.path, text, append=one.append)
        for one, text in reversed(texts):
            if one.path is None:
                write_stdout(text)
        on_screen = any(one.path is None and one.format == "table" for one in self.all)
        if not quiet and (self.score_only or not on_screen):
            for one_note in report.notes:
                if one_note.warning:
                    note(one_note.text)

    def _text(self, one: Destination, report: Report, *, main: bool) -> str:
        if main and self.score_only:
            from lossctl.renderers.scores import scores

            return scores(report)
        on_screen = one.path is None
        return render(
            report,
            one.format,
            width=self.width if on_screen else 100,
            color=self.color and on_screen,
            precision=self.precision,
            ascii_only=self.ascii_only and on_screen,
        )

    def say_left_out(self, what: str) -> None:
        """On stderr, that what was asked for is in none of the formats: they hold one table."""
        if all(one.format in FLAT for one in self.all):
            form = self.all[0].format
            note(f"-f {form} leaves out {what}: table, md, html and json have it")

    def say_how(self, report: Report, seconds: float) -> None:
        """What `-v` adds, on stderr."""
        named = {**report.inputs, **{one["name"]: one for one in report.models}}
        for role, given in named.items():
            columns = ", ".join(name for name in given["columns"] if name) or "all"
            text = f"{role}: {given['path']} as {given['format']}, columns {columns}"
            startup.say(f"lossctl: {inert(text)}")
        startup.say(f"lossctl: {report.rows['scored']} rows in {seconds:.2f} s")


def note(text: str) -> None:
    """A line on stderr beside the results."""
    startup.say(f"lossctl: note: {inert(text)}")


def _export(text: str) -> Destination:
    """`[FORMAT=]FILE`, `FORMAT+=FILE` to append, or `FORMAT=-` for stdout."""
    head, equals, path = text.partition("=")
    if equals and "/" not in head and head.rstrip("+").replace("-", "").isalnum():
        form, append = known_format(head.rstrip("+")), head.endswith("+")
        if path == "" or (path == "-" and append):
            raise UsageError(f"--export {text} names no file", "-f chooses what stdout gets")
        if append and form not in APPENDED:
            raise UsageError(
                f"--export {text}: {form} cannot be appended to", "md, table and jsonl can"
            )
        return Destination(form, None if path == "-" else path, append)
    return Destination(_suffix(text), text)


def _of(form: str, option: str, command: str) -> None:
    """Refuse a format of what the reports of a command do not hold."""
    commands = OF.get(form, (command,))
    if command not in commands:
        said = " and ".join(filter(None, (", ".join(commands[:-1]), commands[-1])))
        raise UsageError(f"{option} {form} is about {said}: {command} has nothing of it",
                         "md, html and json hold every report")  # fmt: skip


def _share_stdout(main: Destination, exports: Sequence[Destination]) -> None:
    """Refuse a second output on stdout that would spoil the first: only the lines of a runner go
    together with what people read."""
    beside = [one.format for one in exports if one.path is None]
    if len(beside) > 1:
        raise UsageError(f"--export {beside[1]}=-: stdout gets {beside[0]} already", "name a file")
    shared = main.format in READ and beside == ["github"]
    if beside and main.path is None and not shared:
        what = f"--export {beside[0]}=-: stdout gets {main.format} already"
        raise UsageError(what, "-f chooses what stdout gets, and -o FILE writes that elsewhere")


def _told(path: str) -> str:
    """The format that a file's name means. Raises UsageError for what is not written."""
    found = suffix_format(path)
    if found is None and Path(path).suffix.lower() in OTHERS:
        raise UsageError(f"-o {path}: no output format is called {Path(path).suffix}",
                         f"use {', '.join(SUFFIXES)}, or -f FORMAT")  # fmt: skip
    return found or "tsv"


def _suffix(path: str) -> str:
    """The format that a file's suffix means. Raises UsageError for a suffix that means none."""
    found = suffix_format(path)
    if found is None:
        raise UsageError(f"{path} does not say its format", "name one: FORMAT=FILE")
    return found


def _separate(destination: Destination, inputs: Sequence[str | None]) -> None:
    """Refuse to write over a file that is read."""
    if destination.path is None:
        return
    for given in inputs:
        if given in (None, "-"):
            continue
        with contextlib.suppress(OSError):
            if Path(str(given)).samefile(destination.path):
                raise UsageError(f"{destination.path} is an input", "write somewhere else")


def colored(color: str) -> bool:
    """What `--color` means here. Raises UsageError for what it cannot be."""
    if color not in ("auto", "always", "never"):
        raise UsageError(f"--color is {color}", "it is one of auto, always, never")
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return terminal or bool(os.environ.get("FORCE_COLOR"))


def screen_width() -> int:
    """The terminal's width in cells, 80 where there is none."""
    import shutil

    return max(40, shutil.get_terminal_size((80, 24)).columns)


def ascii_stdout() -> bool:
    """Whether the screen is held to ASCII: stdout is declared to be in something else than UTF-8.

    `TERM=dumb` says nothing about letters, and under `LC_ALL=C` Python itself chooses UTF-8.
    """
    try:
        return codecs.lookup(sys.stdout.encoding).name not in ("utf-8", "utf-8-sig")
    except (AttributeError, LookupError, TypeError):  # closed, or replaced by something else
        return False


def write_stdout(text: str) -> None:
    """All of `text` to stdout. Raises OutputError, and ReaderLeftError."""
    to_stdout(text.encode("utf-8", "backslashreplace"))


def to_stdout(data: bytes | memoryview) -> None:
    """The same of bytes."""
    if sys.stdout is None:
        raise OutputError("standard output is closed", "open it, or write to a file with -o")
    try:
        rest = memoryview(data)
        while rest:  # an unbuffered stdout (python -u) may take a part only
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.flush()
    except BrokenPipeError:  # Click would turn it into exit 1
        raise ReaderLeftError("standard output was closed") from None
    except OSError as problem:
        raise OutputError(f"standard output: {problem.strerror}") from None


def write_file(path: str, text: str, *, append: bool = False) -> None:
    """Replace a regular file as a whole, or append to it; write to anything else.

    On any failure the file stays as it was. Raises OutputError.
    """
    data = text.encode("utf-8", "backslashreplace")
    with written(path, append=append) as file:
        apart = path.endswith(".md") and append and file.tell() > 0
        file.write(b"\n" + data if apart else data)


@contextlib.contextmanager
def written(path: str, *, append: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place when all is written; see `write_file`."""
    import tempfile

    try:
        if append or not _replaceable(path):
            with Path(path).open("ab" if append else "wb") as file:
                yield file
            return
        target = Path(path).resolve()
        handle, temporary = tempfile.mkstemp(prefix=".lossctl-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
            Path(temporary).chmod(mode)
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except RuntimeError as problem:  # of a link that leads to itself
        raise OutputError(f"{path} cannot be written: {problem}") from None
    except OSError as problem:
        # Arrow says more than the system does.
        said = os.strerror(problem.errno) if problem.errno else str(problem)
        raise OutputError(f"{path or 'the output file'} cannot be written: {said}") from None


def _replaceable(path: str) -> bool:
    """Whether there is a regular file, or nothing yet."""
    return not Path(path).exists() or Path(path).is_file()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
