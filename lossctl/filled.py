"""A column that is held whole, put together from its blocks as they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.readers.source import Cells, Rows, joined


class Filled:
    """The cells of one column. Where the number of rows is known, plain numbers are copied to
    their place at once, so that they are never held twice."""

    def __init__(self, rows: int | None) -> None:
        self._rows = rows
        self._whole: Any = None
        self._count = 0
        self._parts: list[Cells] = []

    def add(self, cells: Cells) -> None:
        """The next block."""
        values: Any = cells.values
        start, self._count = self._count, self._count + len(values)
        if self._rows is not None and not self._parts and cells.missing is None:
            if self._whole is None and isinstance(values, np.ndarray):
                self._whole = np.empty((self._rows, *values.shape[1:]), dtype=values.dtype)
            if self._fits(values):
                self._whole[start : self._count] = values
                return
        if self._whole is not None:
            if start:
                self._parts.append(Cells(self._whole[:start]))
            self._whole = None
        self._parts.append(cells)

    def _fits(self, values: Any) -> bool:
        whole = self._whole
        if whole is None or not isinstance(values, np.ndarray):
            return False
        alike = (values.dtype, values.shape[1:]) == (whole.dtype, whole.shape[1:])
        return alike and self._count <= len(whole)

    def finish(self) -> Cells:
        """All of them."""
        if self._whole is not None:
            return Cells(self._whole[: self._count])
        parts, self._parts = self._parts, []
        return joined([Rows(len(part.values), [part]) for part in parts]).cells[0]
