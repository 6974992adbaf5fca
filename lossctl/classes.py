"""The names of classes: texts as the whole numbers that losses take, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.errors import DataError, UsageError, inert, quoted
from lossctl.roles import codes

MOST = 1 << 16  # different labels that are kept by name
TRUE = {"true": 1.0, "false": 0.0}


class Classes:
    """What labels stand for, where a file gives them as text.

    `names` lists the classes in order; `positive` is the one that counts as 1, all others as 0.
    `ignored` is a label that keeps its number, which no class may have.
    With neither, equal texts get equal codes, which only losses that compare labels can use.
    """

    def __init__(
        self,
        names: Sequence[str] = (),
        positive: str | None = None,
        ignored: float | None = None,
    ) -> None:
        self.names = tuple(names)
        self.positive = positive
        self.ignored = ignored
        self.seen: dict[str, float] = {}

    @property
    def ordered(self) -> bool:
        """Whether a text has a number that is not just a code."""
        return bool(self.names) or self.positive is not None

    def coded(self, texts: Sequence[str | None], where: str, rows: Integers) -> Array:
        """The number of each label; NaN where it is missing.

        Raises DataError for a class that is not among the names, and for more labels than
        could be classes.
        """
        if self.ignored is not None and 0 <= self.ignored < len(self.names):
            raise UsageError(
                f"--ignore-index {self.ignored} could be the label {self.ignored} of {where} or "
                f"the class {inert(self.names[int(self.ignored)])}, which is number {self.ignored}",
                "use a number that no class has",
            )
        new = [text for text in dict.fromkeys(texts) if text is not None and text not in self.seen]
        for text in new:
            row = int(rows[list(texts).index(text)])
            self.seen[text] = self._code(text, f"{where} row #{row}")
        if len(self.seen) > MOST:
            raise DataError(f"{where} has more than {MOST} different labels", "is it an id?")
        known = self.seen
        return np.array([np.nan if text is None else known[text] for text in texts])

    def _code(self, text: str, where: str) -> float:
        if self.ignored is not None and _same(text, str(self.ignored)):
            return float(self.ignored)
        if self.positive is not None:
            return float(_same(text, self.positive))
        for place, name in enumerate(self.names):
            if _same(text, name):
                return float(place)
        if self.names:
            listed = ", ".join(inert(name) for name in self.names[:10])
            more = " …" if len(self.names) > 10 else ""
            raise DataError(
                f"{where} is {quoted(text)}, which is none of the classes {listed}{more}",
                "--labels names them in order",
            )
        return float(codes([text])[0])

    def check_found(self, where: str) -> None:
        """Raise DataError where no label was the positive one."""
        if self.positive is None or not self.seen or 1.0 in self.seen.values():
            return
        listed = ", ".join(inert(name) for name in list(self.seen)[:5])
        raise DataError(f"no label of {where} is {quoted(self.positive)}; it has {listed}",
                        "--positive names the class that counts as 1")  # fmt: skip

    def name(self, value: float) -> str | None:
        """What a number is called; None where it has no name."""
        if self.names and 0 <= value < len(self.names) and float(value).is_integer():
            return self.names[int(value)]
        called = [text for text, code in self.seen.items() if code == value]
        if len(called) == 1 or (called and not self.ordered):
            return called[0]
        return f"not {self.positive}" if self.positive is not None and value == 0.0 else None


def of_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The class names in column names such as p_cat, p_dog: what differs in them; () if they have
    no common beginning that ends in a mark, or are not all different."""
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        return ()
    shared = names[0]
    for name in names[1:]:
        while not name.startswith(shared):
            shared = shared[:-1]
    found = re.match(r".*[_.:\-/ ]", shared)
    cut = found.end() if found else 0
    return tuple(name[cut:] for name in names) if all(len(n) > cut for n in names) else ()


def stem(name: str) -> str:
    """The beginning that columns of one vector share: `p_` of p_cat, `e` of e12, `q_` of q_0.1."""
    found = re.match(r"(.*?)[-+]?\d+(?:\.\d+)?$", name) or re.match(
        r"(.*[_.:\-/ ])[^_.:\-/ ]+$", name
    )
    return found[1] if found else name


def _same(text: str, name: str) -> bool:
    if text == name:
        return True
    try:
        return float(text) == float(name)
    except ValueError:
        return False
