"""What the runners of continuous integration obey in a log: an oracle of its own, and stricter than
they are."""

from __future__ import annotations

import re
import unicodedata

# Kept by Unicode's tables as letters or marks, and skipped by comparisons all the same.
_SKIPPED = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
_SKIPPED |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_MARKS = re.compile(r"##(\w*)\[", re.IGNORECASE)  # GitHub's old ones, Azure's, TeamCity's
_SECTION = re.compile(r"section_(start|end):\d+:\S*\r\x1b\[0K")  # GitLab's


def obeyed(output: str) -> list[str]:
    """The lines that a runner would take for a command; none of them may come from data."""
    found = [line for line in re.split(r"[\n\r]", output) if _acts(_compared(line))]
    return found + [match.group() for match in _SECTION.finditer(output)]


def _compared(line: str) -> str:
    """As a comparison by the rules of a language sees it (.NET's, with ICU)."""
    return "".join(
        one for one in line if unicodedata.category(one) != "Cf" and ord(one) not in _SKIPPED
    )


def _acts(line: str) -> bool:
    return line.lstrip().startswith("::") or _MARKS.search(line) is not None


def command(line: str) -> tuple[str, dict[str, str], str]:
    """The name, properties and message of a workflow command, as GitHub's runner reads them."""
    assert line.startswith("::")
    head, separator, message = line[2:].partition("::")
    assert separator
    name, _, rest = head.partition(" ")
    pairs = (one.split("=", 1) for one in rest.split(",") if one)
    properties = {key.strip(): _unescaped(value, ":,") for key, value in pairs}
    return name, properties, _unescaped(message, "")


def _unescaped(text: str, more: str) -> str:
    for one in "\r\n" + more:
        text = text.replace(f"%{ord(one):02X}", one)
    return text.replace("%25", "%")
