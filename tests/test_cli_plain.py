"""Plain command lines are read as Typer reads them, and all others are left to it.

Everything is generated from the commands' declarations, so that a new option is tried as well.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
from functools import wraps
from typing import Any
from unittest import mock

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from lossctl.cli import plain, run
from lossctl.cli.app import app, for_typer
from lossctl.cli.commands import COMMANDS
from lossctl.cli.declared import Option

SEEN: list[dict[str, Any]] = []
WORDS = ["", "a", "a,b", "huber:delta=2", "x=y", "=", "-", "é", "a b", "7", "0", "012", "json"]
HARD = ["--", "-5", "+3", " 4", "1_0", "1.0", "٣", "9" * 15, "9" * 16, "true", "\udcff", "\x00",
        "--loss", "-h", "--help", "--quiet", "-q", "--quite", "--qui", "-Z", "--quiet=1",
        "--quiet=", "--=x", "-=", "---", "--install-completion"]  # fmt: skip


def recording(command):
    @wraps(command)
    def recorded(**given):
        SEEN.append(given)
        return 0

    return recorded


def twin() -> Any:
    """The same command tree, whose commands record what they are called with."""
    made = typer.Typer(
        add_completion=app._add_completion,
        pretty_exceptions_enable=False,
        context_settings=app.info.context_settings,
    )
    made.callback()(lambda: None)
    for name, command in COMMANDS.items():
        made.command(name)(for_typer(recording(command)))
    return get_command(made)


TREE = twin()


def by_typer(words: list[str]) -> dict[str, Any] | None:
    """What Typer calls the command with; None where it refuses, or shows help."""
    SEEN.clear()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception, SystemExit):
        TREE.main(words, prog_name="lossctl", standalone_mode=False)
    return SEEN[0] if SEEN else None


def by_us(words: list[str]) -> dict[str, Any] | None:
    call = plain.call_of(words)
    if call is None:
        return None
    bound = inspect.signature(COMMANDS[words[0]]).bind(**call.keywords)  # type: ignore[attr-defined]  # a partial
    bound.apply_defaults()
    return bound.arguments


def values(one: plain.Parameter, wrong: bool) -> st.SearchStrategy[str]:
    if one.kind is int:
        right = st.integers(0, 10**6).map(str)
    else:
        right = st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=4)
    return right | st.sampled_from(HARD) if wrong else right


@st.composite
def option(draw, one: plain.Parameter, wrong: bool) -> list[str]:
    """An option in one of its forms."""
    name = draw(st.sampled_from(one.declared.names))
    if one.kind is bool:
        return [name]
    value = draw(values(one, wrong))
    if name.startswith("--"):
        return draw(st.sampled_from([[name, value], [f"{name}={value}"]]))
    return [name + value] if value and draw(st.booleans()) else [name, value]


@st.composite
def lines(draw, name: str, wrong: bool) -> list[str]:
    """A command line; a `wrong` one may still be right."""
    parameters = plain.parameters_of(COMMANDS[name])
    options = [one for one in parameters if isinstance(one.declared, Option)]
    arguments = [one for one in parameters if not isinstance(one.declared, Option)]
    switches = [word for one in options if one.kind is bool for word in one.declared.names
                if len(word) == 2]  # fmt: skip
    parts = [draw(option(one, wrong)) for one in draw(st.lists(st.sampled_from(options)))]
    if switches and draw(st.booleans()):  # -bq, -bqlmae
        short = "-" + "".join(
            word[1] for word in draw(st.lists(st.sampled_from(switches), min_size=1))
        )
        takers = [word for one in options if one.kind is not bool and not wrong
                  for word in one.declared.names if len(word) == 2 and one.kind is str]  # fmt: skip
        more = draw(st.sampled_from(takers))[1] + "x" if takers and draw(st.booleans()) else ""
        parts.append([short + more])
    plainly = [word for word in WORDS if not word.startswith("-")] + ["-"]
    for one in arguments:
        least = 0 if wrong else 1
        count = draw(st.integers(least, 3 if one.many else least + wrong))
        parts += [[draw(st.sampled_from(plainly + HARD * wrong))] for _ in range(count)]
    parts += [[draw(st.sampled_from(HARD))] for _ in range(draw(st.integers(0, 2)) * wrong)]
    words = [word for part in draw(st.permutations(parts)) for word in part]
    if draw(st.booleans()):
        words += ["--", *(draw(st.sampled_from(WORDS + HARD)) for _ in arguments if wrong)]
    return [name, *words]


ENVIRONMENTS = st.sampled_from([{}, {"LOSSCTL_FORMAT": ""}, {"LOSSCTL_FORMAT": "json"}])
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", COMMANDS)
@given(data=st.data())
@QUICK
def test_what_is_answered_is_what_typer_gives(name, data):
    words = data.draw(lines(name, wrong=True))
    with mock.patch.dict(os.environ, data.draw(ENVIRONMENTS)):
        ours = by_us(words)
        assert ours is None or ours == by_typer(words)


@pytest.mark.parametrize("name", COMMANDS)
@given(data=st.data())
@QUICK
def test_what_is_right_is_answered(name, data):
    words = data.draw(lines(name, wrong=False))
    with mock.patch.dict(os.environ, data.draw(ENVIRONMENTS)):
        ours = by_us(words)
        assert ours is not None
        assert ours == by_typer(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_with_every_value(name):
    needed = [
        "a"
        for one in inspect.signature(COMMANDS[name]).parameters.values()
        if one.default is one.empty
    ]
    for one in plain.parameters_of(COMMANDS[name]):
        for value in WORDS + HARD:
            words = [name, value]
            if isinstance(one.declared, Option):
                words = [name, *needed, one.declared.names[0], value]
            ours = by_us(words)
            assert ours is None or ours == by_typer(words), words


@pytest.mark.parametrize(
    "words",
    [[], ["--help"], ["--version"], ["-h"], ["nothing"], ["eval"], ["eval", "-h"],
     ["eval", "a", "b", "c"], ["eval", "a", "--top"], ["eval", "a", "--top", "x"],
     ["eval", "a", "--top=1.0"], ["eval", "a", "-Z"], ["eval", "a", "--quite"],
     ["eval", "a", "--quiet=1"], ["--debug", "eval", "a"], ["inspect"],
     ["explain", "--", "a", "b"]],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_typer(words):
    assert plain.call_of(words) is None


def test_completion_is_left_to_typer(monkeypatch):
    assert plain.call_of(["losses"]) is not None
    monkeypatch.setenv("_LOSSCTL_COMPLETE", "complete_bash")
    assert plain.call_of(["losses"]) is None


def test_the_forms_of_options():
    words = ["eval", "p.csv", "-lmae", "-l", "rmse", "--loss=huber:delta=2", "-bqf", "json"]
    found = plain.call_of([*words, "--top", "3", "--", "-t.csv"])
    assert found.keywords == {
        "preds": "p.csv", "targets": "-t.csv", "loss": ["mae", "rmse", "huber:delta=2"],
        "score_only": True, "quiet": True, "format": "json", "top": 3,
    }  # fmt: skip


def test_both_ways_print_the_same(capfd, monkeypatch):
    """The same command with and without Typer, and its error."""
    for words in (["losses", "-f", "json"], ["explain", "huber"], ["explain", "hubber"]):
        status, ours = run(words), capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(plain, "call_of", lambda words: None)
            assert (run(words), capfd.readouterr()) == (status, ours)
