"""The reference cases pass, and the runner notices when an expected number moves."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.reference import run as runner
from tests.reference.cases import Case, Unknown, comparisons
from tests.reference.comparisons import Comparison, special

MOVE = 1 + 1e-6


def last_line(text: str) -> str:
    return text.rstrip().splitlines()[-1]


def written(folder: Path, cases: Any) -> str:
    path = folder / "cases.json"
    path.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    return str(path)


def known_cases(path: Path) -> list[tuple[Case, list[Comparison]]]:
    found = []
    for case in runner.load(path):
        try:
            found.append((case, list(comparisons(case))))
        except Unknown:
            continue
    return found


def number(value: Any) -> bool:
    value = special(value)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def within(one: Comparison) -> bool:
    """Whether the case's own tolerance covers a move of one part in a million."""
    moved = abs(float(one.expected)) * (MOVE - 1)
    return moved <= 1.01 * (one.atol + one.rtol * abs(float(one.expected))) or moved < 1e-322


def test_all_our_cases_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main([]) == 0
    said = re.fullmatch(
        r"(\d+) passed, 0 failed, (\d+) skipped", last_line(capsys.readouterr().out)
    )
    assert said is not None
    assert int(said[1]) >= 161
    assert int(said[1]) + int(said[2]) == sum(len(runner.load(path)) for path in runner.OURS)


def test_renamed_and_shuffled_cases_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [case for path in runner.OURS for case in runner.load(path)]
    random.Random(3).shuffle(cases)
    for place, case in enumerate(cases):
        case["id"] = f"x{place}"
        case.pop("name", None)
    assert runner.main([written(tmp_path, cases)]) == 0
    assert ", 0 failed, " in last_line(capsys.readouterr().out)


@pytest.mark.parametrize("path", runner.OURS, ids=lambda path: path.stem)
def test_every_number_moved_is_noticed(path: Path) -> None:
    unnoticed, noticed = [], 0
    for case, made in known_cases(path):
        for one in made:
            if not number(one.expected) or within(one):
                continue
            if replace(one, expected=float(one.expected) * MOVE).holds:
                unnoticed.append((case.get("id"), str(one)))
            noticed += 1
    assert unnoticed == []
    assert noticed > 20


def test_moved_values_fail_through_the_runner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = []
    for case, made in known_cases(runner.HERE / "losses.json"):
        value = next((one for one in made if one.place == "value"), None)
        if value is not None and number(value.expected) and not within(value):
            cases.append(case | {"value": value.expected * MOVE})
    assert len(cases) > 90
    assert runner.main([written(tmp_path, cases)]) == 1
    printed = capsys.readouterr().out
    assert last_line(printed) == f"0 passed, {len(cases)} failed, 0 skipped"
    assert f"FAILED {cases[0]['id']}: value: expected {cases[0]['value']!r}, got " in printed


@pytest.mark.parametrize(
    "text", ["", "not json", "[1]", '{"a": 1}', "[]", '[{"topic": "no_such_topic", "inputs": {}}]']
)
def test_a_file_without_cases_to_run_fails(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cases.json"
    path.write_text(text, encoding="utf-8")
    assert runner.main([str(path)]) == 1
    assert runner.main([str(tmp_path / "missing.json")]) == 1
    capsys.readouterr()


def test_wrong_words_and_broken_cases_fail() -> None:
    case: Case = {
        "loss": "mean_absolute_error", "params": {}, "reduction": "mean", "rtol": 0, "atol": 0,
        "inputs": {"y_true": [1.0, 2.0], "y_pred": [1.0, 4.0]}, "per_sample": [0, 2], "value": 1,
    }  # fmt: skip
    assert runner.differences(case) == []
    for change in (
        {"value": "inf"}, {"value": "nan"}, {"value": "error"}, {"per_sample": [0]},
        {"per_sample": [0, "nan"]}, {"shares": [1.0, 0.0]}, {"params": {"delta": 1}},
        {"inputs": {"y_true": [1.0], "y_pred": [1.0, 4.0]}}, {"inputs": {"what": [1.0]}},
        {"reduction": None, "value": 2},
    ):  # fmt: skip
        assert runner.differences(case | change), change
    broken = {key: value for key, value in case.items() if key != "inputs"}
    assert runner.differences(broken) == ["raised KeyError: 'inputs'"]
