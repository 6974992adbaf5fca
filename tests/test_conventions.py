"""The note beside numbers that follow the conventions of several libraries."""

from __future__ import annotations

import pytest

import lossctl
from lossctl.analyses.conventions import notes
from lossctl.grammar import parse_all


def said(*texts: str) -> list[str]:
    found = notes(parse_all(texts))
    assert all(note.code == "conventions" and not note.warning for note in found)
    return [note.text for note in found]


def test_the_settings_that_differ_are_named_and_explained() -> None:
    text, = said("bce:like=torch,bce:like=keras,bce:like=sklearn")  # fmt: skip
    assert text == (
        "bce: torch log_clamp=-100, reduction=sum_over_batch_size; keras eps=1e-07, "
        "reduction=sum_over_batch_size; sklearn eps=2.22e-16, reduction=mean "
        "(eps: clip probabilities to [eps, 1 - eps]; log_clamp: floor of the logarithm itself; "
        "reduction, what the sum is divided by: sum_over_batch_size by the rows, whatever their "
        "weights, mean by the weights)"
    )


def test_our_own_convention_is_one_of_them() -> None:
    text, = said("huber,huber:like=keras")  # fmt: skip
    assert text.startswith("huber: lossctl reduction=mean; keras reduction=sum_over_batch_size (")


def test_settings_that_are_off_are_not_named() -> None:
    text, = said("kl:like=torch,kl:like=keras")  # fmt: skip
    assert text.startswith("kl: torch reduction=mean_over_elements; keras eps=1e-07")


@pytest.mark.parametrize(
    "texts",
    [
        ("bce:like=torch",),  # alone
        ("mae:like=torch", "mse:like=keras"),  # different losses
        ("mae:like=torch", "mae:like=sklearn"),  # the same convention
        ("huber:like=torch", "huber:like=torch,delta=2"),  # one library
    ],
)
def test_no_note_where_no_convention_differs(texts: tuple[str, ...]) -> None:
    assert said(*texts) == []


def test_a_report_carries_it() -> None:
    report = lossctl.evaluate([0.2, 0.9], [0, 1], "bce", like=["torch", "keras"])
    assert [note.text for note in report.notes if note.code == "conventions"] == said(
        "bce:like=torch,bce:like=keras"
    )
