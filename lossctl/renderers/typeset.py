"""Text on a grid of terminal cells: how wide it is, how it is shortened, padded and wrapped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from lossctl.errors import UNSEEN, inert

Style: TypeAlias = Literal["", "dim", "bold", "red", "yellow", "green", "magenta", "cyan"]
Line: TypeAlias = Sequence[tuple[str, Style]]

# GitHub's runner obeys a line that begins with `::`, after blanks.
_COMMAND = re.compile(rf"(?<!\S)(?=[{UNSEEN}]*:[{UNSEEN}]*:)")
_COLONS = re.compile(rf":(?=[{UNSEEN}]*:)")
# A number keeps its per-cent sign, and an interval its two ends, on one line.
_BREAK = re.compile(r"(?<!…) (?![%…])")
_SEPARATORS = "|/,;"


def shown(text: object) -> str:
    """Text from anywhere, made inert for terminals and for the logs of CI runners."""
    return _COMMAND.sub(r"\\", inert(str(text)))


@lru_cache(maxsize=4096)
def _character_width(character: str) -> int:
    code = ord(character)
    if 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:  # Hangul vowels and finals join up
        return 0
    category = unicodedata.category(character)
    if category in ("Mn", "Me") or (category == "Cf" and code != 0xAD):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Each character with the marks that join it, and the cells that they take together."""
    cluster, cells = "", 0
    for character in text:
        wide = _character_width(character)
        if cluster and character == "\ufe0f":  # asks for the emoji form, which is wide
            cells = max(cells, 2) if not cluster.isascii() or len(cluster) > 1 else cells
        elif cells == 2 and "\U0001f3fb" <= character <= "\U0001f3ff":  # a skin tone
            pass
        elif wide or not cluster:
            if cluster:
                yield cluster, cells
            cluster, cells = "", wide
        cluster += character
    if cluster:
        yield cluster, cells


def width(text: str) -> int:
    """The terminal cells that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(cells for _, cells in _clusters(text))


def padded(text: str, cells: int, right: bool = False) -> str:
    """`text` with blanks behind it (before it if `right`), `cells` wide or as wide as it is."""
    blanks = " " * (cells - width(text))
    return blanks + text if right else text + blanks


def shortened(text: str, limit: int, *, middle: bool = False) -> str:
    """`text`, or as much of its beginning as leaves room for `…` within `limit` cells; of its
    beginning and end, where it is cut in the `middle`."""
    if width(text) <= limit:
        return text
    last = (limit - 1) // 2 if middle else 0
    start = _filled(_clusters(text), limit - 1 - last)
    end = _filled(reversed(list(_clusters(text))), last) if last > 0 else []
    return f"{''.join(start)}…{''.join(reversed(end))}"


def _filled(clusters: Iterable[tuple[str, int]], limit: int) -> list[str]:
    """The first clusters that have room."""
    kept, used = [], 0
    for cluster, cells in clusters:
        if used + cells > limit:
            break
        kept.append(cluster)
        used += cells
    return kept


def told_apart(texts: Sequence[str], limit: int) -> list[str]:
    """The texts within `limit` cells: those that would look alike are cut in the middle."""
    cut = [shortened(text, limit) for text in texts]
    seen: dict[str, set[str]] = {}
    for text, short in zip(texts, cut, strict=True):
        seen.setdefault(short, set()).add(text)
    return [
        shortened(text, limit, middle=True) if len(seen[short]) > 1 else short
        for text, short in zip(texts, cut, strict=True)
    ]


def wrapped(text: str, limit: int) -> list[str]:
    """`text` in lines of at most `limit` cells, broken at blanks; longer words are broken up."""
    lines: list[str] = []
    line = ""
    for word in _BREAK.split(text):
        joined = f"{line} {word}" if line else word
        if width(joined) <= limit:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, limit)
        lines += full
    return [*lines, line] if line or not lines else lines


def _pieces(word: str, limit: int) -> list[str]:
    """A word in pieces of at most `limit` cells, broken behind a separator where one is near."""
    if width(word) <= limit:
        return [word]
    pieces, piece, used = [], "", 0
    # A piece begins a line: none may begin with `::`.
    for cluster, cells in _clusters(_COLONS.sub(r":\\", word)):
        if used + cells > limit and piece:
            place = 1 + max(piece.rfind(mark) for mark in _SEPARATORS)
            cut = place if place > len(piece) // 2 else len(piece)
            pieces.append(piece[:cut])
            piece = piece[cut:]
            used = width(piece)
        piece, used = piece + cluster, used + cells
    return [*pieces, piece]
