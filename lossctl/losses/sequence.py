"""Sequences: the likelihood of labels without an alignment (CTC), and edit distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import numpy as np

from lossctl import ctc as walks
from lossctl.arrays import (
    Array,
    Count,
    Domain,
    Frames,
    Integers,
    Mask,
    Ragged,
    Text,
    Tokens,
    domain_of,
)
from lossctl.edits import Form, Level, distances
from lossctl.errors import UsageError
from lossctl.loss import loss
from lossctl.numerics import row_sum
from lossctl.settings import Param

# --- connectionist temporal classification -------------------------------------------------------


def _frame_domains(from_logits: bool) -> Mapping[str, Domain]:
    frames = domain_of(Frames)
    if from_logits:
        return {"pred": frames}
    return {"pred": replace(frames, name="frames of log-probabilities", high=0.0)}


def _lengths(column: Ragged) -> Integers:
    return np.diff(column.offsets)


def _used(pred: Ragged, input_length: Array | None) -> Integers:
    """How many frames of each row count."""
    return _lengths(pred) if input_length is None else input_length.astype(np.int64)


def _blank(pred: Ragged, blank: int) -> int:
    """The blank's number from 0. Raises UsageError where there is no such symbol."""
    if pred.values.ndim == 1:  # no frame in any row
        return blank
    symbols = int(pred.values.shape[1])
    if not -symbols <= blank < symbols:
        raise UsageError(f"ctc: blank is {blank}, but frames hold {symbols} symbols")
    return blank % symbols


def _any_in_row(bad: Mask, column: Ragged) -> Mask:
    """Which rows hold a value that is marked."""
    found = np.zeros(len(column), dtype=bool)
    found[np.searchsorted(column.offsets, np.flatnonzero(bad), side="right") - 1] = True
    return found


def _contradictions(
    pred: Ragged,
    target: Ragged,
    input_length: Array | None = None,
    *,
    blank: int,
    from_logits: bool,
    **_others: Any,
) -> tuple[Mask, str]:
    number = _blank(pred, blank)
    rules = [
        (_used(pred, input_length) > _lengths(pred), "input_length at most the number of frames"),
        (_any_in_row(target.values == number, target), f"target without the blank, {number}"),
    ]
    if not from_logits and pred.values.ndim == 2:
        # Half-precision logarithms are good to about 1e-2.
        over = row_sum(np.exp(pred.values)) > 1.01
        words = "frames of log-probabilities, which sum to 1 as probabilities"
        rules.append((_any_in_row(over, pred), words))
    return next((rule for rule in rules if rule[0].any()), rules[0])


def _divisor(target: Ragged, normalize: str) -> Array:
    sizes = _lengths(target) if normalize == "target_length" else np.ones(len(target))
    return np.maximum(sizes, 1).astype(np.float64)


def _slope(
    pred: Ragged,
    target: Ragged,
    input_length: Array | None = None,
    *,
    blank: int,
    normalize: str,
    zero_infinity: bool,
    from_logits: bool,
    merge_repeated: bool,
) -> Array:
    slope = walks.gradient(
        pred,
        target,
        _used(pred, input_length),
        blank=_blank(pred, blank),
        from_logits=from_logits,
        merge_repeated=merge_repeated,
    )
    slope /= np.repeat(_divisor(target, normalize), _lengths(pred))[:, np.newaxis]
    return np.where(np.isnan(slope), 0.0, slope) if zero_infinity else slope


@loss(
    aliases=("ctc_loss", "connectionist_temporal_classification"),
    gradient=_slope,
    tasks=("sequence",),
    domains=_frame_domains,
    rows=_contradictions,
    diverges=True,
    peers={
        "torch": "nn.CTCLoss",
        "keras": "losses.CTC",
        "tensorflow": "compat.v1.nn.ctc_loss",
        "optax": "losses.ctc_loss",
    },
    like={
        "torch": {"normalize": "target_length"},
        "keras": {"reduction": "sum_over_batch_size"},
        "tensorflow": {"blank": -1},
    },
    reference="Graves et al. (2006), doi:10.1145/1143844.1143891",
    formula="-ln Σ_alignments Π_t softmax(pred_t)[symbol_t]",
)
def ctc(
    pred: Frames,
    target: Tokens,
    input_length: Count | None = None,
    *,
    blank: Annotated[int, Param("the number of the blank; negative ones count from the end")] = 0,
    normalize: Annotated[
        str,
        Param("target_length: divide by the number of symbols in target (at least 1)",
              choices=("none", "target_length")),
    ] = "none",
    zero_infinity: Annotated[
        bool, Param("a row whose frames cannot emit its target costs 0, not infinitely much")
    ] = False,
    from_logits: Annotated[
        bool, Param("`pred` holds logits; false: log-probabilities. Never guessed from the values")
    ] = True,
    merge_repeated: Annotated[
        bool,
        Param("a symbol in successive frames is one symbol (false: each frame emits one anew)"),
    ] = True,
) -> Array:  # fmt: skip
    """The negative log-likelihood of a sequence of symbols, over all its alignments with frames.

    Each frame emits a symbol or the blank; repeats are merged, then blanks are dropped, so that a
    blank must stand between two equal symbols. Frames beyond `input_length` are not used. A target
    that the frames are too few to emit costs infinitely much (optax: about 1e5). torch divides by
    the length of the target before it averages; TF1 takes the last symbol for the blank.
    """
    values = walks.log_loss(
        pred,
        target,
        _used(pred, input_length),
        blank=_blank(pred, blank),
        from_logits=from_logits,
        merge_repeated=merge_repeated,
    )
    if zero_infinity:
        values = np.where(np.isinf(values), 0.0, values)
    return values / _divisor(target, normalize)


# --- edit distance -------------------------------------------------------------------------------

_Form: TypeAlias = Annotated[
    Form, Param("the Unicode normal form in which texts are compared",
                choices=("NFC", "NFKC", "none")),
]  # fmt: skip
_LEVENSHTEIN = "Levenshtein (1966), Soviet Physics Doklady 10(8), 707-710"


@loss(
    aliases=("levenshtein", "edit"),
    tasks=("sequence",),
    reduces=lambda normalize: "ratio" if normalize == "corpus" else "mean",
    diverges=True,
    peers={
        "tensorflow": "edit_distance",
        "torchmetrics": "text.EditDistance",
        "rapidfuzz": "distance.Levenshtein.distance",
    },
    like={"tensorflow": {"normalize": "target"}},
    reference=_LEVENSHTEIN,
    formula="least of substitution_cost · S + I + D, to make target of pred",
)
def edit_distance(
    pred: Text,
    target: Text,
    *,
    level: Annotated[
        Level,
        Param("what is compared: characters, or tokens (words or numbers); auto: characters of "
              "texts, tokens of lists", choices=("auto", "char", "token")),
    ] = "auto",
    normalize: Annotated[
        str,
        Param("divide by the target's length, by the longer length, or (corpus) the sum by the sum "
              "of the targets' lengths", choices=("none", "target", "max", "corpus")),
    ] = "none",
    substitution_cost: Annotated[
        int, Param("the cost of a substitution; an insertion or deletion costs 1", 0)
    ] = 1,
    unicode: _Form = "NFC",
) -> Array | tuple[Array, Array]:  # fmt: skip
    """The fewest insertions, deletions and substitutions that make the target of the prediction.

    token splits texts at white space. normalize=target: anything but nothing costs infinitely much
    where the target is empty, may exceed 1 elsewhere, and is not the mean that CER and WER are:
    those are normalize=corpus. normalize=max lies in [0, 1] for a substitution_cost up to 1. Two
    empty sequences are equal: 0. Characters are code points, not what a reader sees as one.
    """
    found, ours, true = distances(
        pred, target, level=level, unicode=unicode, substitution_cost=substitution_cost
    )
    if normalize == "corpus":
        return found, true
    if normalize == "none":
        return found
    length = true if normalize == "target" else np.maximum(ours, true)
    return np.where(found > 0.0, found / length, 0.0)


@loss(
    "cer",
    aliases=("char_error_rate",),
    tasks=("sequence",),
    reduction="ratio",
    peers={"torchmetrics": "text.CharErrorRate", "jiwer": "cer"},
    reference=_LEVENSHTEIN,
    formula="Σ (S + I + D) / Σ characters of target",
)
def character_error_rate(
    pred: Text, target: Text, *, unicode: _Form = "NFC"
) -> tuple[Array, Array]:
    """Edits of characters per character of the target, over all rows together.

    It is edit_distance on characters with normalize=corpus: a row counts by its length, and an
    empty target counts its insertions.
    """
    found, _, true = distances(pred, target, level="char", unicode=unicode)
    return found, true


@loss(
    "wer",
    tasks=("sequence",),
    reduction="ratio",
    peers={"torchmetrics": "text.WordErrorRate", "jiwer": "wer"},
    reference=_LEVENSHTEIN,
    formula="Σ (S + I + D) / Σ words of target",
)
def word_error_rate(pred: Text, target: Text, *, unicode: _Form = "NFC") -> tuple[Array, Array]:
    """Edits of words per word of the target, over all rows together.

    It is edit_distance on tokens with normalize=corpus. Texts are split at white space; case and
    punctuation count.
    """
    found, _, true = distances(pred, target, level="token", unicode=unicode)
    return found, true
