"""What is there when the program starts: the kept list of losses, and the process's settings."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from lossctl import cli, listing
from lossctl.cli import run, startup
from lossctl.cli.completion import complete_loss
from lossctl.explain import entry_of
from lossctl.loss import losses


def test_the_list_that_is_kept_is_that_of_the_registry() -> None:
    assert listing.entries() == [entry_of(one) for one in losses().values()]


def test_completion_offers_labels_and_names() -> None:
    offered = complete_loss("")
    assert set(offered) == {name for one in losses().values() for name in (one.label, one.name)}
    assert len(offered) == len(set(offered))
    assert complete_loss("mae,hub") == ["mae,huber"]


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize(("given", "then"), [(None, "1"), ("2", "2")])
def test_openblas_starts_no_threads_unless_it_is_told_to(
    given: str | None, then: str, collector: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    startup.begin()
    assert os.environ["OPENBLAS_NUM_THREADS"] == then
    assert not gc.isenabled()
    startup.done()
    assert gc.isenabled()


def test_completion_that_worked_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--show-completion", "bash"]) == 0
    assert "_lossctl_completion" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["can't start new thread", "x: Failed to launch worker thread"])
def test_too_little_memory_for_a_thread_is_said(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(arguments: list[str]) -> int:
        raise RuntimeError(words)

    monkeypatch.setattr(cli, "_invoke", full)
    assert run(["eval"]) == 3
    assert "--threads 1" in capsys.readouterr().err
