"""One case of a reference file, put to the public API: the comparisons that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import lossctl
from lossctl.loss import Loss, named
from tests.reference.comparisons import SPECIAL, Comparison, compare
from tests.reference.roles import IMPLIED, NAMED, OPTIONS, SPELLED, role_of

Case = dict[str, Any]


class Unknown(Exception):
    """The case is about a loss or topic that lossctl does not have yet."""


def name_of(case: Case, index: int) -> str:
    """What a case is called in messages."""
    if "id" in case:
        return str(case["id"])
    return " ".join(str(case[key]) for key in ("name", "metric") if key in case) or f"case {index}"


def comparisons(case: Case) -> Iterator[Comparison]:
    """Raises Unknown for what does not exist yet, KeyError for a case of no known format."""
    if "loss" in case:
        return _loss(case)
    if "topic" in case:
        return _statistic(case)
    return _number(case)


# --- losses.json ------------------------------------------------------------------------------


def _loss(case: Case) -> Iterator[Comparison]:
    try:
        loss: Loss = getattr(lossctl.losses, case["loss"])
    except AttributeError:
        raise Unknown(f"loss {case['loss']}") from None
    params, given = _told(loss, case)
    options = {key: params.pop(key) for key in OPTIONS if key in params}
    known = {setting.name for setting in loss.settings}
    for key in given:
        params |= {k: v for k, v in IMPLIED.get(key, {}).items() if k in known}
    reduction = params.pop("reduction", None)
    roles, inputs = _bound(loss, params, given)
    tolerance = (case["rtol"], case["atol"])
    if case.get("per_sample") is not None:
        yield from _per_sample(loss, params, roles, inputs, case["per_sample"], tolerance)
    if case.get("value") is None and case.get("shares") is None:
        return
    settings = dict(params)
    if reduction is not None or case["reduction"] in NAMED:
        settings["reduction"] = reduction or case["reduction"]
    report = _report(_spec(case["loss"], settings), roles, inputs, options, len_of(inputs))
    if case.get("value") is not None:
        refused = isinstance(report, lossctl.DataError) and case["value"] == "error"
        got = "error" if refused else _outcome(report, loss)
        yield from compare("value", case["value"], got, *tolerance)
    if case.get("shares") is not None:
        rows = [] if isinstance(report, Exception) or not report.worst else report.worst.rows
        found = {row.row: row.shares[report.losses[0].spec] for row in rows}
        got = [found.get(row) for row in range(len(case["shares"]))]
        yield from compare("shares", case["shares"], got, *tolerance)


def _told(loss: Loss, case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and inputs. A parameter that is a role of the loss is an input, and an input that
    is a setting is one."""
    params: dict[str, Any] = {}
    for key, value in case["params"].items():
        spelled = SPELLED.get((key, value)) if isinstance(value, str) else None
        params |= {key: _value(value)} if spelled is None else spelled
    inputs = dict(case["inputs"])
    roles = {role.name for role in loss.own_roles}
    inputs |= {key: params.pop(key) for key in list(params) if key in roles}
    known = {setting.name for setting in loss.settings} - roles
    params |= {key: _value(inputs.pop(key)) for key in list(inputs) if key in known}
    return params, inputs


def _bound(
    loss: Loss, params: dict[str, Any], inputs: dict[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The loss's roles in order, and the inputs by role."""
    roles = tuple(role.name for role in loss.roles(loss.check(params)))
    bound = {}
    for key, values in inputs.items():
        role = role_of(key, roles)
        if role is None:
            raise KeyError(f"no role of {loss.name} is mapped to input {key}")
        bound[role] = _value(values)
    return roles, bound


def _per_sample(
    loss: Loss,
    params: dict[str, Any],
    roles: tuple[str, ...],
    inputs: dict[str, Any],
    expected: list[Any],
    tolerance: tuple[float, float],
) -> Iterator[Comparison]:
    """Through `lossctl.losses`. A row that holds NaN must be refused; the rest is compared."""
    columns = {role: values for role, values in inputs.items() if role != "weight"}
    broken = [row for row, value in enumerate(expected) if value == "nan"]
    if broken:
        yield Comparison("per_sample with NaN", "error", _error(lambda: loss(**columns, **params)))
        columns = {
            role: [v for row, v in enumerate(values) if row not in broken]
            if len(values) == len(expected) else values
            for role, values in columns.items()
        }  # fmt: skip
        expected = [value for value in expected if value != "nan"]
    got = loss(*(columns[role] for role in roles if role in columns), **params)
    yield from compare("per_sample", expected, got.tolist(), *tolerance)


def len_of(inputs: dict[str, Any]) -> int:
    """The most rows that any input has."""
    return max((len(values) for values in inputs.values() if hasattr(values, "__len__")), default=0)


def _report(
    spec: str,
    roles: tuple[str, ...],
    inputs: dict[str, Any],
    options: dict[str, Any],
    rows: int,
) -> Any:
    """The report, or the data error."""
    first, others = roles[0], list(roles[1:])
    target = next((role for role in others if role in ("target", "label")), None)
    extra = {role: inputs[role] for role in others if role != target and role in inputs}
    try:
        return lossctl.evaluate(
            inputs[first],
            None if target is None else inputs[target],
            [spec],
            weight=inputs.get("weight"),
            roles=extra,
            top=rows,
            **options,
        )
    except lossctl.DataError as error:
        return error


def _outcome(report: Any, loss: Loss) -> Any:
    """The value, or the word that says why there is none."""
    if isinstance(report, lossctl.DataError):
        return "overflow" if "overflow" in str(report) else "error"
    result = report.losses[0]
    if result.status == "infinite":
        return "-inf" if loss.direction == "max" else "inf"
    return {"ok": result.value, "undefined": "nan"}.get(result.status, result.status)


def _error(call: Any) -> str:
    try:
        call()
    except lossctl.DataError:
        return "error"
    return "no error"


def _spec(name: str, settings: dict[str, Any]) -> str:
    shown = ",".join(f"{key}={_written(value)}" for key, value in settings.items())
    return f"{name}:{shown}" if shown else name


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ";".join(_written(part) for part in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(part) for part in value]
    return SPECIAL.get(value, value) if isinstance(value, str) else value


# --- statistics.json --------------------------------------------------------------------------

# Tolerances that cases of a topic lack, where a number is less exact than their `tol`.
ROUGH: dict[str, dict[str, float]] = {
    # A peer searches this root to 1e-5 only: of Darwin's 15 rows it stops 3e-8 short.
    "paired_test": {"mde_t_power80_tol": 1e-7},
}


def _statistic(case: Case) -> Iterator[Comparison]:
    try:
        topic = getattr(lossctl.stats, case["topic"])
    except AttributeError:
        raise Unknown(f"topic {case['topic']}") from None
    got = topic(**{key: _value(value) for key, value in case["inputs"].items()})
    expected = case["expected"] | ROUGH.get(case["topic"], {})
    yield from compare("expected", expected, got, case["tol"], case["tol"])


# --- numerics.json ----------------------------------------------------------------------------

_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
          "float16", "float32", "float64")  # fmt: skip


def _number(case: Case) -> Iterator[Comparison]:
    loss, settings, types = _metric(case["metric"])
    settings |= {key: _value(value) for key, value in case.get("params", {}).items()}
    given = {key: _value(case[key]) for key in ("pred", "target")}
    arrays = {key: np.array(values, dtype=types.get(key)) for key, values in given.items()}
    roles, inputs = _bound(loss, settings, arrays)
    report = _report(_spec(loss.name, settings), roles, inputs, {}, 1)
    expected = case["expected"]
    if re.fullmatch(r"[-+0-9.e]+", expected):
        expected = float(expected)
    yield Comparison("value", expected, _outcome(report, loss), ulps=case["max_ulps"])


def _metric(text: str) -> tuple[Loss, dict[str, Any], dict[str, str]]:
    """The loss, settings and array types of a metric such as `huber delta=1` or `mae(int64)`."""
    outside, _, inside = text.partition("(")
    words = [word for word in outside.split() if "=" not in word]
    settings: dict[str, Any] = {}
    for word in outside.split():
        key, equals, value = word.partition("=")
        if equals:
            settings[key] = float(value)
    types: dict[str, str] = {}
    for piece in inside.rstrip(")").split(","):
        kind, *rest = piece.split() or [""]
        if kind in _TYPES:
            types |= dict.fromkeys([rest[0]] if rest else ["pred", "target"], kind)
    name = "_".join(words)
    found = named(name)
    if not found and name.endswith("_from_logits"):
        found = named(name.removesuffix("_from_logits"))
        settings["from_logits"] = True
    if not found:
        raise Unknown(f"metric {name}")
    return found[0], settings, types
