"""Our numbers with `--like` against the libraries themselves, and no pair forgotten.

A library that is not installed is skipped by name; that the list is complete is tested always.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.cli import run
from lossctl.loss import losses
from tests.peers import LIBRARIES, PAIRS, Pair, absent, difference
from tests.peers.__main__ import PAGE, page
from tests.peers.expected import EXPECTED, TIERS
from tests.peers.pair import FLOAT32, FLOAT64, SAMPLES, drawn, spec

LOSSES = losses()
WANTED = [(name, peer) for name, loss in LOSSES.items() for peer in LIBRARIES if peer in loss.peers]


# --- nothing is forgotten -----------------------------------------------------------------------


def missing(pairs: tuple[Pair, ...]) -> list[tuple[str, str]]:
    """The losses that a library is said to have and that nothing compares."""
    having = {(pair.loss, pair.peer) for pair in pairs}
    return [wanted for wanted in WANTED if wanted not in having]


def test_every_tier_is_complete() -> None:
    listed = [name for tier in TIERS.values() for name in tier]
    assert len(listed) == len(set(listed)) == 83
    assert set(listed) <= set(LOSSES)


def test_the_libraries_that_a_loss_names_are_those_expected() -> None:
    named = {name: " ".join(peer for peer in LIBRARIES if peer in loss.peers)
             for name, loss in LOSSES.items()}  # fmt: skip
    assert {name: peers for name, peers in named.items() if peers} == EXPECTED


def test_no_pair_is_missing() -> None:
    assert missing(PAIRS) == []
    for place, pair in enumerate(PAIRS):  # without its only pair, a loss is missed
        others = (*PAIRS[:place], *PAIRS[place + 1 :])
        alone = all((pair.loss, pair.peer) != (one.loss, one.peer) for one in others)
        assert missing(others) == ([(pair.loss, pair.peer)] if alone else [])


def test_no_pair_is_beyond_what_a_loss_names() -> None:
    assert {(pair.loss, pair.peer) for pair in PAIRS} == set(WANTED)
    assert len({str(pair) for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize(("name", "peer"), WANTED)
def test_defaults_and_others_are_tried(name: str, peer: str) -> None:
    told = [told for pair in PAIRS if (pair.loss, pair.peer) == (name, peer)
            for told in pair.settings]  # fmt: skip
    assert {} in told
    # The largest error of all has neither settings nor weights.
    assert name == "max_error" or any(told)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_each_trial_has_as_many_samples_as_it_should(pair: Pair) -> None:
    for told in pair.settings:
        data = drawn(pair, told)
        lengths = {len(column) for name, column in data.items()
                   if name not in ("class_weight", "parameters")}  # fmt: skip
        assert lengths == {SAMPLES}
        assert ("weight" in data) == ("weight" in told)
    assert pair.tolerance in (FLOAT64, FLOAT32)
    assert bool(pair.reason) == (pair.tolerance > FLOAT64)


# --- the numbers --------------------------------------------------------------------------------


@pytest.fixture
def library(request: pytest.FixtureRequest) -> None:
    """Skip what is not installed."""
    peer = request.getfixturevalue("pair").peer
    name = absent(peer)
    if name is not None:
        pytest.skip(f"{name} is not installed")


def trials() -> Iterator[Any]:
    for pair in PAIRS:
        for told in pair.settings:
            yield pytest.param(pair, told, id=f"{spec(pair, told)}-{pair.shown}-{sorted(told)}")


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("pair", "told"), list(trials()))
def test_the_library_gives_the_same_number(pair: Pair, told: dict[str, Any]) -> None:
    assert difference(pair, told) <= pair.tolerance


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("pair", [p for p in PAIRS if p.shown == "metrics.log_loss"][:1], ids=str)
def test_a_wrong_number_is_noticed(pair: Pair) -> None:
    call = pair.call
    off = replace(pair, call=lambda data, told: call(data, told) * (1.0 + 1e-11))
    assert difference(off, {}) > pair.tolerance
    other = replace(pair, call=lambda data, told: call(data | {"weight": drawn(pair, {
        "weight": True})["weight"]}, told))  # fmt: skip
    assert difference(other, {}) > 1e-3


# --- the page -----------------------------------------------------------------------------------


def test_the_page_lists_every_pair_and_trial() -> None:
    written = PAGE.read_text(encoding="utf-8").splitlines()
    expected = "\n".join(page({str(pair): "?" for pair in PAIRS})).rstrip().splitlines()
    assert len(written) == len(expected)
    for line, wanted in zip(written, expected, strict=True):
        cells, others = line.split("|"), wanted.split("|")
        if wanted.endswith("| ? |"):
            found = float(cells.pop(-2))
            assert 1e-15 <= found <= float(others[-3])
            others.pop(-2)
        assert cells == others


# --- the command line ---------------------------------------------------------------------------


def evaluated(tmp_path: Path, capfd: Any, *options: str) -> dict[str, Any]:
    """The report of `lossctl eval --like torch,keras,sklearn` on five rows."""
    pred = [0.0, 0.7, 0.4, 1.0, 0.2]
    target, weight = [1, 1, 0, 0, 0], [1.0, 0.5, 2.0, 0.0, 1.0]
    lines = ["p,w", *(f"{p},{w}" for p, w in zip(pred, weight, strict=True))]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "t.csv").write_text("\n".join(["t", *map(str, target)]) + "\n")
    arguments = ["eval", str(tmp_path / "p.csv"), str(tmp_path / "t.csv"), "--pred-col", "p",
                 "-l", "bce", "--like", "torch,keras,sklearn", "-f", "json"]  # fmt: skip
    assert run([*arguments, *options]) == 0
    return dict(json.loads(capfd.readouterr().out))


def test_conventions_stand_beside_each_other(tmp_path: Path, capfd: Any) -> None:
    report = evaluated(tmp_path, capfd)
    values = {loss["spec"]: loss["value"] for loss in report["losses"]}
    assert list(values) == [f"bce:like={peer}" for peer in ("torch", "keras", "sklearn")]
    inner = -math.log(0.7) - math.log1p(-0.4) - math.log1p(-0.2)
    unit = float(np.finfo(np.float64).eps)
    # Row 0 gives 1 the probability 0, row 3 gives 0 the probability 1.
    assert values["bce:like=torch"] == pytest.approx((200.0 + inner) / 5.0, rel=1e-15)
    keras = -math.log(1e-7) - math.log1p(-(1.0 - 1e-7)) + inner
    assert values["bce:like=keras"] == pytest.approx(keras / 5.0, rel=1e-8)
    sklearn = -2.0 * math.log(unit) + inner
    assert values["bce:like=sklearn"] == pytest.approx(sklearn / 5.0, rel=1e-15)
    notes = [note["text"] for note in report["notes"] if note["code"] == "conventions"]
    assert len(notes) == 1
    for part in ("torch log_clamp=-100", "keras eps=1e-07", "sklearn eps=2.22"):
        assert part in notes[0]


def test_conventions_of_weights(tmp_path: Path, capfd: Any) -> None:
    report = evaluated(tmp_path, capfd, "--weight-col", "w")
    values = {loss["spec"]: loss["value"] for loss in report["losses"]}
    inner = -0.5 * math.log(0.7) - 2.0 * math.log1p(-0.4) - math.log1p(-0.2)
    unit = float(np.finfo(np.float64).eps)
    # torch and Keras divide by the 5 rows, scikit-learn by the weights, 4.5.
    assert values["bce:like=torch"] == pytest.approx((100.0 + inner) / 5.0, rel=1e-15)
    assert values["bce:like=keras"] == pytest.approx((inner - math.log(1e-7)) / 5.0, rel=1e-12)
    assert values["bce:like=sklearn"] == pytest.approx((inner - math.log(unit)) / 4.5, rel=1e-15)
