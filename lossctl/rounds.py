"""Questions that take several passes over the rows.

A `Rounds` is a generator: it yields the specifications whose states it needs from one pass, is
sent those states, and returns its answer. Whoever drives it decides how a pass is made. Several
questions advance in step, so that each pass serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np

from lossctl.numerics import sharing
from lossctl.states import Specification, grown

T = TypeVar("T")

Asked: TypeAlias = tuple[Specification, ...]
States: TypeAlias = Mapping[Specification, Any]
Rounds: TypeAlias = Generator[Asked, States, T]


def in_step(questions: Iterable[Rounds[T]]) -> Rounds[list[T]]:
    """All `questions` at once, as one; the answers in their order."""
    answers: dict[int, T] = {}
    waiting: dict[int, tuple[Rounds[T], Asked]] = {}

    def advance(place: int, question: Rounds[T], states: States | None) -> None:
        try:
            asked = next(question) if states is None else question.send(states)
        except StopIteration as stop:
            answers[place] = stop.value
        else:
            waiting[place] = (question, asked)

    for place, question in enumerate(questions):
        advance(place, question, None)
    while waiting:
        asked = dict.fromkeys(spec for _, specs in waiting.values() for spec in specs)
        states = yield tuple(asked)
        now, waiting = waiting, {}
        for place, (question, _) in now.items():
            advance(place, question, states)
    return [answers[place] for place in sorted(answers)]


def one_state(specification: Specification) -> Rounds[Any]:
    """The state of one specification, as a question of its own."""
    return (yield (specification,))[specification]


def ask(question: Rounds[T], make_pass: Callable[[Asked], States]) -> T:
    """The answer, with `make_pass` making each pass over the rows."""
    try:
        asked = next(question)
        while True:
            asked = question.send(make_pass(asked))
    except StopIteration as stop:
        answer: T = stop.value
        return answer


def ask_of(question: Rounds[T], block: Any) -> T:
    """The answer from one block that is all rows."""
    return ask(question, lambda asked: {one: one.make(block) for one in asked})


def grow(states: dict[Specification, Any], block: Any) -> None:
    """Let every state grow by a block's rows; what they have in common is computed once."""
    # States count what float64 cannot hold.
    with np.errstate(all="ignore"), sharing(getattr(block, "memo", {})):
        for specification, state in states.items():
            states[specification] = grown(specification, state, block)
