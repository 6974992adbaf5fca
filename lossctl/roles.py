"""The roles of losses: what files supply, and the check of arrays given in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Domain, Mask, Numbers, Ragged, offsets_of, widened
from lossctl.errors import DataError, UsageError
from lossctl.sequences import encode


@dataclass(frozen=True, slots=True)
class Role:
    """A positional parameter of a loss: what a file supplies."""

    name: str
    domain: Domain
    optional: bool = False


def check_columns(label: str, roles: tuple[Role, ...], bound: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays for every role, of agreeing shapes and within their domains; None for an optional
    role that is not given.

    Raises UsageError for roles missing or unknown, DataError for the data.
    """
    given = {name: values for name, values in bound.items() if values is not None}
    missing = [role.name for role in roles if role.name not in given and not role.optional]
    unknown = [name for name in bound if all(role.name != name for role in roles)]
    if missing or unknown:
        taken = ", ".join(role.name for role in roles)
        raise UsageError(
            f"{label} takes {taken}; missing or unknown: {', '.join(missing + unknown)}"
        )
    present = [role for role in roles if role.name in given]
    arrays = {role.name: as_column(given[role.name], role) for role in present}
    rows = {len(arrays[role.name]) for role in present if role.domain.shape != "whole"}
    shapes = {arrays[role.name].shape for role in present if role.domain.shape == "value"}
    if len(rows) > 1 or len(shapes) > 1:
        said = ", ".join(f"{name} {_shape(array)}" for name, array in arrays.items())
        raise DataError(f"{label}: the shapes differ: {said}")
    sizes = axis_sizes((role.name, role.domain, arrays[role.name]) for role in present)
    for role in present:
        fault = first_fault(arrays[role.name], role.domain, sizes, nan=True)
        if fault is not None:
            row, value, rule = fault
            raise DataError(
                f"{role.name} row {row} is {value} but {label} needs {role.name} {rule}"
            )
        if role.domain.mixed(_values(arrays[role.name])):
            raise DataError(f"{label} needs {role.name} {role.domain.rule()}, not a mixture")
    return arrays | {role.name: None for role in roles if role.name not in given}


def axis_sizes(given: Iterable[tuple[str, Domain, Any]]) -> dict[str, int]:
    """How long each named axis is. Raises DataError where two roles disagree on one."""
    sizes: dict[str, tuple[int, str]] = {}
    for name, domain, column in given:
        for axis, size in zip(domain.axes, _axes(column, domain), strict=False):
            known = sizes.setdefault(axis, (size, name))
            if known[0] != size:
                raise DataError(f"{known[1]} has {known[0]} {axis}, but {name} has {size}")
    return {axis: size for axis, (size, _) in sizes.items()}


def _axes(column: Any, domain: Domain) -> tuple[int, ...]:
    values = _values(column)
    shape: tuple[int, ...] = values.shape
    return shape if domain.shape == "whole" else shape[1:]


def first_fault(
    column: Any, domain: Domain, sizes: Mapping[str, int], *, nan: bool = False
) -> tuple[int, str, str] | None:
    """The first row that a domain refuses: its number, its value and the rule in words. `nan`:
    where rows that hold NaN have not been looked for yet."""
    values = _values(column)
    bad: Mask | None = None if domain.spans(values) else domain.outside(values)
    rule = domain.rule()
    if bad is not None and nan and values.dtype.kind == "f":
        bad |= np.isnan(values)
    inside = bad is None or not bad.any()
    if inside and domain.indexes is not None and domain.indexes in sizes:
        size = sizes[domain.indexes]
        bad = values >= size
        if domain.besides:
            bad &= ~np.isin(values, domain.besides)
        rule = f"below {size}, the number of {domain.indexes}"
    if bad is not None and bad.any():
        at = np.argwhere(bad)[0]
        return _row_of(column, int(at[0])), f"{values[tuple(at)]:.6g}", rule
    if domain.row is not None and not domain.row.warning and domain.shape != "ragged":
        broken: Mask = domain.row.broken(values)
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            shown = ", ".join(f"{value:.6g}" for value in values[row][:8])
            return row, f"[{shown}]", domain.row.words
    return None


def first_contradiction(
    label: str, given: Mapping[str, Any], broken: Mask, words: str
) -> tuple[int, str] | None:
    """The first row whose roles do not go together, and why not; None where all do."""
    if not broken.any():
        return None
    row = int(np.flatnonzero(broken)[0])
    shown = ", ".join(
        f"{name} is {_shown(values.row(row) if isinstance(values, Ragged) else values[row])}"
        for name, values in given.items()
        if values is not None
    )
    return row, f"{shown}, but {label} needs {words}"


def _shown(value: Any) -> str:
    """One row's value in a few words: the middle of a long one left out, of a table its shape."""
    for ends in (3, 1) if np.ndim(value) < 2 else ():
        text = np.array2string(value, precision=6, threshold=8 if ends == 3 else 2, edgeitems=ends)
        if len(text) < 60:
            return " ".join(text.split())
    return " × ".join(map(str, np.shape(value))) + " values"


def _values(column: Any) -> Numbers:
    values: Numbers = column.values if isinstance(column, Ragged) else column
    return values


def _row_of(column: Any, place: int) -> int:
    if isinstance(column, Ragged):
        return int(column.owners(place))
    return place


def _shape(column: Any) -> Any:
    return f"({len(column)} rows)" if isinstance(column, Ragged) else column.shape


def as_column(values: Any, role: Role) -> Any:
    """An array-like as a role's column: float64, or integers where float64 cannot hold one.

    One trailing axis of length 1 is dropped. Raises DataError for anything not numeric.
    """
    if isinstance(values, Ragged):
        return values
    shape = role.domain.shape
    if shape in ("ragged", "text"):
        return _ragged(list(values), role)
    array = np.asarray(values)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise DataError(f"{role.name} is not numeric: {problem}") from None
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "U" and shape == "either":
            return codes(array.ravel().tolist())
        raise DataError(f"{role.name} is not numeric but {array.dtype}")
    if shape in ("value", "one") and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if shape in ("value", "whole") and array.ndim == 0:
        array = array.reshape(1)
    if shape == "vector" and array.ndim >= 2:
        array = array.reshape(array.shape[0], -1)
    column = widened(np.ascontiguousarray(array))
    wanted = {"one": (1,), "vector": (2,), "either": (1, 2), "value": (1, 2)}.get(shape)
    if wanted is not None and column.ndim not in wanted:
        raise DataError(f"{role.name} has shape {column.shape}, but {_WANTED[shape]} are wanted")
    if role.domain.width not in (None, column.shape[-1]):
        raise DataError(f"{role.name} has {column.shape[-1]} values a row, not {role.domain.width}")
    return column


_WANTED = {
    "one": "single values (n,)",
    "vector": "vectors (n, k)",
    "either": "values (n,) or vectors (n, k)",
    "value": "values (n,) or (n, d)",
}


def _ragged(rows: list[Any], role: Role) -> Ragged:
    """Texts, lists of words, lists of numbers, or lists of vectors, one a row."""
    texts = [isinstance(row, str) for row in rows]
    if all(texts) or any(isinstance(part, str) for row in rows if not isinstance(row, str)
                         for part in row):  # fmt: skip
        if role.domain.shape != "text":
            raise DataError(f"{role.name} is text, not numbers")
        return encode(rows)
    if any(texts):
        raise DataError(f"{role.name} holds texts and lists")
    deep = bool(role.domain.axes)
    parts = [np.asarray(row, dtype=np.float64) for row in rows]
    for place, part in enumerate(parts):
        if part.ndim != 1 + deep and part.size:
            wanted = "list of vectors" if deep else "list of numbers"
            raise DataError(f"{role.name} row {place} is not a {wanted}")
    widths = {part.shape[1:] for part in parts if part.size}
    if len(widths) > 1:
        raise DataError(f"{role.name}: the vectors have unlike lengths")
    width = widths.pop() if widths else ()
    values = np.concatenate([part.reshape(-1, *width) for part in parts])
    return Ragged(np.ascontiguousarray(values), offsets_of([len(part) for part in parts]))


def codes(texts: Iterable[str]) -> Numbers:
    """Texts as whole numbers that are equal where the texts are (the first 52 bits of a hash).

    Raises DataError should two texts share one.
    """
    import hashlib

    known: dict[float, str] = {}
    found = []
    for text in texts:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        code = float(int.from_bytes(digest, "little") >> 12)
        if known.setdefault(code, text) != text:
            raise DataError(f"the labels {text!r} and {known[code]!r} cannot be told apart")
        found.append(code)
    return np.array(found, dtype=np.float64)
