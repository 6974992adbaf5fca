"""What can go wrong, and the exit status that says so."""

from __future__ import annotations

import re
from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit codes of the program. The README documents each."""

    OK = 0
    VIOLATED = 1  # `check` only: a requirement is violated
    USAGE = 2  # unknown option, loss, column or setting; ambiguous column; missing role
    DATA = 3  # missing or unreadable file; malformed, misaligned or out-of-domain data
    UNDECIDED = 4  # `check` only
    OUTPUT = 5  # an output could not be written
    INTERNAL = 70  # a bug in lossctl
    INTERRUPTED = 130
    PIPE = 141  # the reader of stdout went away
    TERMINATED = 143


class LossctlError(Exception):
    """An error for the user: one line that says what is wrong, where, and what to do.

    `what` names the place (file, row, column, value); `fix` the remedy, where there is one.
    Both may hold text from files: the program escapes them when it prints.
    """

    status = ExitStatus.INTERNAL

    def __init__(self, what: str, fix: str | None = None) -> None:
        super().__init__(what if fix is None else f"{what}; {fix}")
        self.what = what
        self.fix = fix


class UsageError(LossctlError):
    """The command line (or a Python call) asks for something that does not exist."""

    status = ExitStatus.USAGE


class DataError(LossctlError, ValueError):
    """The data cannot be read, or cannot be scored as asked."""

    status = ExitStatus.DATA


class OutputError(LossctlError):
    """A result could not be written."""

    status = ExitStatus.OUTPUT


class ReaderLeftError(LossctlError):
    """Whoever read stdout closed it: no failure, and nothing to say."""

    status = ExitStatus.PIPE


# Characters that nobody sees and that are kept: a comparison by the rules of a language, such as
# the one of GitHub's runner, skips them.
UNSEEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
# GitHub and Azure obey `##[` and `##vso[` anywhere in a line, TeamCity `##teamcity[`.
MARK = re.compile(rf"#(?=[{UNSEEN}]*#[\w{UNSEEN}]*\[)")


def inert(text: str) -> str:
    r"""`text` with nothing left in it that a terminal, log or table could act on.

    C0 and C1 controls, DEL, bidirectional controls, line and paragraph separators, lone surrogates
    and what is no character become visible escapes (`\x1b`, `\u202e`); `##[` becomes `#\#[`. All
    else is kept.
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(
            _visible(character) if _acts(ord(character)) else character for character in text
        )
    return MARK.sub(r"#\\", text) if "#" in text else text


def quoted(value: object, limit: int = 40) -> str:
    """A cell's text in quotes, inert and at most `limit` characters long, for a message."""
    text = str(value)
    return "'" + inert(text if len(text) <= limit else text[: limit - 1] + "…") + "'"


def _acts(code: int) -> bool:
    return (
        code < 0x20
        or 0x7F <= code <= 0x9F
        or 0x200B <= code <= 0x200F
        or 0x202A <= code <= 0x202E
        or 0x2060 <= code <= 0x2069
        or code in (0x061C, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)
        or 0xD800 <= code <= 0xDFFF
        or 0xE0000 <= code <= 0xE007F
    )


def _visible(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
