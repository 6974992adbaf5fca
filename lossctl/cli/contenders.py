"""The models of a command line: `NAME=PATH`, or columns of one file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from lossctl.errors import UsageError, inert
from lossctl.plan import Contender

_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")  # of compression: no part of a name


def contenders(
    texts: Sequence[str], pred_col: str | None, reference: str | None
) -> tuple[Contender, ...]:
    """The models that the words name, the reference first. One file alone holds them in the columns
    that `pred_col` names by comma.

    A name is what stands before `=`, else the file's name without its suffix; columns stand after
    the last colon, unless a file of the whole name exists. Raises UsageError for names that clash,
    fewer than two models, and a reference that is none of them.
    """
    if len(texts) == 1:
        found = _of_one_file(texts[0], pred_col)
    else:
        found = [_contender(text, pred_col) for text in texts]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"{names.count(name)} models are called {inert(name)}", "NAME=PREDS names each"
            )
    if reference is None:
        return tuple(found)
    if reference not in names:
        raise UsageError(
            f"--reference {inert(reference)} is none of the models", f"there is {', '.join(names)}"
        )
    return tuple(sorted(found, key=lambda one: one.name != reference))


def several(words: Sequence[str | None], targets: str | None) -> list[str]:
    """The words that name models, where a command may have one model or several: all of them with
    `targets` given apart, or where each is NAME=PREDS; else none. Raises UsageError."""
    known = [word for word in words if word is not None]
    named = len(known) > 1 and all(_named(word) for word in known)
    if targets is None and not named:
        if len(known) > 2:
            raise UsageError(f"{inert(known[2])} is one file too many",
                             "-t TARGETS goes with several models")  # fmt: skip
        return []
    if targets is not None and len(known) == 1 and not _named(known[0]):
        raise UsageError("-t is about several models", "PREDS TARGETS are one model's files")
    return known


def _named(word: str) -> bool:
    return _parted(word)[0] is not None


def _parted(text: str) -> tuple[str | None, str]:
    """The name that a model is given, if any, and where its predictions are."""
    match = re.fullmatch(r"([\w.-]+)=(.+)", text, re.DOTALL)
    if match is None or not Path(text).exists():
        return (None, text) if match is None else (match[1], match[2])
    if Path(match[2]).exists():
        raise UsageError(f"{inert(text)} and {inert(match[2])} are both files",
                         f"./{inert(text)}, or {inert(match[1])}=./{inert(match[2])}")  # fmt: skip
    return None, text


def _contender(text: str, pred_col: str | None) -> Contender:
    name, path = _parted(text)
    head, equals, rest = text.partition("=")
    unlike = name is None and equals and "/" not in head
    if unlike and Path(rest).exists() and not Path(text).exists():
        raise UsageError(f"{inert(head)} cannot be the name of a model",
                         "names are of letters, digits and . _ -")  # fmt: skip
    path, columns = _columns(path)
    return Contender(name or _stem(path), path, columns or pred_col)


def _of_one_file(text: str, pred_col: str | None) -> list[Contender]:
    path, columns = _columns(_parted(text)[1])
    names = [part.strip() for part in (columns or pred_col or "").split(",")]
    if len(names) < 2 or "" in names:
        raise UsageError(
            f"compare needs two models or more, and there is {inert(text)} alone",
            "NAME=PREDS names each; --pred-col a,b if they are columns of one file",
        )
    return [Contender(name, path, name) for name in names]


def _columns(path: str) -> tuple[str, str | None]:
    head, colon, columns = path.rpartition(":")
    if not colon or not head or not columns or "/" in columns or Path(path).exists():
        return path, None
    return head, columns


def _stem(path: str) -> str:
    if path == "-":
        return "stdin"
    pure = PurePath(path)
    while pure.suffix.lower() in _SUFFIXES:
        pure = pure.with_suffix("")
    return pure.stem
