"""The roles of losses: what files supply, and the check of arrays given in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Domain, Ragged, widened
from lossctl.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class Role:
    """A positional parameter of a loss: what a file supplies."""

    name: str
    domain: Domain
    optional: bool = False


def check_columns(label: str, roles: tuple[Role, ...], bound: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays for every role, of agreeing shapes and within their domains.

    Raises UsageError for roles missing or unknown, DataError for the data.
    """
    missing = [role.name for role in roles if role.name not in bound and not role.optional]
    unknown = [name for name in bound if all(role.name != name for role in roles)]
    if missing or unknown:
        taken = ", ".join(role.name for role in roles)
        raise UsageError(
            f"{label} takes {taken}; missing or unknown: {', '.join(missing + unknown)}"
        )
    arrays = {role.name: as_column(bound[role.name], role) for role in roles if role.name in bound}
    rows = {
        len(array)
        for role in roles
        if role.domain.shape != "whole"
        for array in [arrays[role.name]]
    }
    shapes = {
        array.shape
        for role in roles
        if role.domain.shape == "value"
        for array in [arrays[role.name]]
    }
    if len(rows) > 1 or len(shapes) > 1:
        said = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"{label}: the shapes differ: {said}")
    for role in roles:
        if role.name not in arrays or isinstance(arrays[role.name], Ragged):
            continue
        values = arrays[role.name]
        bad = role.domain.outside(values)
        if values.dtype.kind == "f":
            bad |= np.isnan(values)
        if bad.any():
            where = np.argwhere(bad)[0]
            row = f"{role.name} row {where[0]}"
            value = values[tuple(where)]
            raise DataError(
                f"{row} is {value:.6g} but {label} needs {role.name} {role.domain.rule()}"
            )
    return arrays


def as_column(values: Any, role: Role) -> Any:
    """An array-like as a role's column: float64, or integers where float64 cannot hold one.

    One trailing axis of length 1 is dropped. Raises DataError for anything not numeric.
    """
    if isinstance(values, Ragged):
        return values
    array = np.asarray(values)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise DataError(f"{role.name} is not numeric: {problem}") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{role.name} is not numeric but {array.dtype}")
    if role.domain.shape == "value" and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if role.domain.shape in ("value", "whole") and array.ndim == 0:
        array = array.reshape(1)
    return widened(np.ascontiguousarray(array))
