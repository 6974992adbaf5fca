"""Rows as lines of text: tsv, csv and JSON lines.

Numbers are the shortest that read back as they were. What has no value is empty, in JSON null;
infinity is `inf`, in JSON, which has none, null.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.arrays import Ragged
from lossctl.extras import Extra
from lossctl.renderers.csv import field
from lossctl.renderers.json import harmless
from lossctl.renderers.typeset import shown
from lossctl.writers import Sink
from lossctl.writers.arrow import array_of

if TYPE_CHECKING:
    import pyarrow


AHEAD = 2  # blocks of which text is made at once


@dataclass(frozen=True, slots=True)
class _Style:
    between: str
    empty: str
    text: Callable[[str], str]
    suspect: str  # of texts that `text` changes
    quote: str = ""  # around every text


def _json(text: str) -> str:
    return harmless(json.dumps(text, ensure_ascii=False))


# Texts of plain characters alone stay as they are, by a test that is made for all at once.
_STYLES = {
    "tsv": _Style("\t", "", shown, r"[^\x20-\x7e]|::|##"),
    "csv": _Style(",", "", field, r'[^\x20-\x7e]|::|##|[",]|^[=+\-@]'),
    "jsonl": _Style(", ", "null", _json, r'[^\x20-\x7e]|["\\]|##', quote='"'),
}


class Lines:
    """Writes a header, where the format has one, and a line for each row."""

    def __init__(self, format: str, sink: Sink) -> None:  # noqa: A002  the option's name
        self.format = format
        self.style = _STYLES[format]
        self.sink = sink
        self.begun = False
        self.others = ThreadPoolExecutor(AHEAD)
        self.coming: deque[Future[memoryview]] = deque()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        """Write what is left; nothing where something went wrong."""
        try:
            if kind is None:
                self._write_to(0)
        finally:
            self.others.shutdown(cancel_futures=True)

    def write(self, rows: Mapping[str, Extra]) -> None:
        """A block of rows: other threads make text of it while the next is made."""
        names = list(rows)
        if not self.begun:
            self.begun = True
            if self.format != "jsonl":
                head = self.style.between.join(map(self.style.text, names))
                self.sink.write(head.encode("utf-8", "backslashreplace") + b"\n")
        self.coming.append(self.others.submit(self._lines, rows))
        self._write_to(AHEAD)

    def _write_to(self, left: int) -> None:
        """Write blocks in their order, until so many are left."""
        while len(self.coming) > left:
            data = self.coming.popleft().result()
            if data:
                self.sink.write(data)

    def _lines(self, rows: Mapping[str, Extra]) -> memoryview:
        import pyarrow.compute as compute

        cells: list[Any] = []
        for place, (name, extra) in enumerate(rows.items()):
            cell = self._cells(extra)
            if self.format == "jsonl":
                before = ("{" if not place else "") + _json(name) + ": "
                cell = compute.binary_join_element_wise(_large(before), cell, _large(""))
            cells.append(cell)
        ended = "}\n" if self.format == "jsonl" else "\n"
        cells[-1] = compute.binary_join_element_wise(cells[-1], _large(ended), _large(""))
        lines = compute.binary_join_element_wise(*cells, _large(self.style.between))
        return array_bytes(lines)

    def _cells(self, extra: Extra) -> pyarrow.Array:
        """A column as texts."""
        import pyarrow
        import pyarrow.compute as compute

        if isinstance(extra.values, Ragged):
            texts = self._texts(array_of(extra))
        else:
            if self.format == "jsonl" and extra.values.dtype.kind == "f":  # JSON has no infinity
                extra = Extra(extra.values, extra.missing | ~np.isfinite(extra.values))
            texts = compute.cast(array_of(extra), pyarrow.large_string())
        return compute.fill_null(texts, self.style.empty) if texts.null_count else texts

    def _texts(self, column: pyarrow.Array) -> pyarrow.Array:
        import pyarrow
        import pyarrow.compute as compute

        style = self.style
        found = compute.match_substring_regex(column, style.suspect)
        quoted = column
        if style.quote:
            mark = _large(style.quote)
            quoted = compute.binary_join_element_wise(mark, column, mark, _large(""))
        if not compute.any(found).as_py():
            return quoted
        changed = [style.text(text) for text in column.filter(found).to_pylist()]
        safe = compute.fill_null(found, fill_value=False)
        return compute.replace_with_mask(quoted, safe, pyarrow.array(changed, column.type))


def _large(text: str) -> Any:
    import pyarrow

    return pyarrow.scalar(text, pyarrow.large_string())


def array_bytes(texts: pyarrow.Array) -> memoryview:
    """All texts of an array, one after another."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]
