"""Connectionist temporal classification: the likelihood of a label over all its alignments.

A row of T frames emits one symbol each. An alignment is a walk through the states blank, label 1,
blank, label 2, ..., blank, one step per frame: it stays, goes on to the next state, or leaves out a
blank between two labels. All rows walk at once, frame by frame; every operation is elementwise, so
that no bit of a row depends on the others (Graves et al. 2006, section 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Integers, Mask, Numbers, Ragged
from lossctl.numerics import floating, row_sum, two_sum


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """What each frame emits, (frames, C): e**logs = shares / (1 + rest), the likeliest symbol's
    share being 1. `rest`, the sum of the others, is kept in two parts."""

    logs: Array
    others: Array  # the shares, 0 for the likeliest
    likeliest: Integers
    rest: tuple[Array, Array]


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """The states of all rows, the row with the most frames first; two columns of padding.

    `stay` and `skip` are 0 where a state may follow itself, or the last but one, else -inf.
    """

    order: Integers
    lengths: Integers
    places: Integers  # of each state's symbol in the first frame, (n, states + 2)
    symbols: Integers
    ends: Integers  # the last state
    exists: Array  # 0, or -inf beyond the last state, (n, states)
    stay: Array
    skip: Array

    def active(self, frame: int) -> int:
        """How many rows have this frame."""
        return int(np.searchsorted(-self.lengths, -frame, side="left"))

    @property
    def final(self) -> Mask:
        """The states in which a label is complete."""
        behind = self.ends[:, np.newaxis] - np.arange(self.exists.shape[1])
        last: Mask = (behind == 0) | (behind == 1)
        return last


def _walk(
    frames: Ragged, label: Ragged, lengths: Integers, blank: int, merge_repeated: bool
) -> _Walk:
    order = np.argsort(-lengths, kind="stable")
    sizes = np.diff(label.offsets)[order]
    most = int(sizes.max(initial=0))
    labels = np.full((len(order), most), blank, dtype=np.int64)
    within = np.arange(most) < sizes[:, np.newaxis]
    labels[within] = label.take(order).values.astype(np.int64)
    states = 2 * most + 1
    symbols = np.full((len(order), states + 2), blank, dtype=np.int64)
    symbols[:, 1:states:2] = labels
    numbers = np.arange(states)
    exists = numbers <= 2 * sizes[:, np.newaxis]
    stay = exists & (merge_repeated | (numbers % 2 == 0))
    skip = np.zeros_like(exists)
    skip[:, 3::2] = exists[:, 3::2] & (not merge_repeated or labels[:, 1:] != labels[:, :-1])
    classes = frames.values.shape[1] if frames.values.ndim == 2 else 0
    starts = frames.offsets[:-1][order] * classes
    return _Walk(
        order,
        lengths[order],
        starts[:, np.newaxis] + symbols,
        symbols,
        2 * sizes,
        *(np.where(allowed, 0.0, -np.inf) for allowed in (exists, stay, skip)),
    )


def _frames(values: Numbers, from_logits: bool, *, parts: bool = False) -> _Frames:
    """With `parts` the sum of the shares in twice the precision, which only `_leaving` needs."""
    logits = floating(values)
    top = np.max(logits, axis=1, keepdims=True)
    certain = np.isposinf(top)
    if certain.any():  # the limit: those that are infinite share the frame evenly
        logits = np.where(certain, np.where(np.isposinf(logits), 0.0, -np.inf), logits)
        top = np.where(certain, 0.0, top)
    shifted = logits - np.where(np.isfinite(top), top, 0.0)
    others = np.exp(shifted)
    likeliest = np.argmax(logits, axis=1)
    others[np.arange(len(others)), likeliest] = 0.0
    high = low = np.zeros(len(others))
    for column in np.ascontiguousarray(others.T):
        if not parts:
            high = high + column
            continue
        high, error = two_sum(high, column)
        low = low + error
    logs = shifted - np.log1p(high)[:, np.newaxis] if from_logits else logits
    return _Frames(logs, others, likeliest, (high, low))


def _log_sum(first: Array, second: Array, third: Array) -> Array:
    """The log of e**first + e**second + e**third."""
    top = np.maximum(np.maximum(first, second), third)
    top[np.isneginf(top)] = 0.0
    total = np.exp(first - top)
    total += np.exp(second - top)
    total += np.exp(third - top)
    return np.log(total, out=total) + top


def _steps(walk: _Walk, logs: Array) -> Iterator[tuple[int, Array, Array, Array]]:
    """For each frame, of the rows that have it: its number, the logarithms of the likelihood of
    each state before it and after it, and what was taken from the latter (n,), its maximum."""
    rows, states = walk.exists.shape
    log_alpha = np.full((rows, states + 2), -np.inf)
    log_alpha[:, 2] = 0.0  # a walk starts as if a blank had been emitted
    for frame in range(int(walk.lengths.max(initial=0))):
        count = walk.active(frame)
        before = log_alpha[:count]
        after = _log_sum(
            before[:, 2:] + walk.stay[:count], before[:, 1:-1], before[:, :-2] + walk.skip[:count]
        )
        after += logs.take(walk.places[:count, :states] + frame * logs.shape[1])
        after += walk.exists[:count]
        top = np.max(after, axis=1)
        top[np.isneginf(top)] = 0.0
        after -= top[:, np.newaxis]
        yield frame, before[:, 2:], after, top
        before[:, 2:] = after


def _leaving(walk: _Walk, frames: _Frames, frame: int, count: int) -> Array:
    """The probability, for each state, that the frame's symbol is one that it cannot go on with.

    A difference of sums in twice the precision: accurate however small.
    """
    states = walk.exists.shape[1]
    at = walk.places[:count, 0] // frames.logs.shape[1] + frame
    share = frames.others.take(walk.places[:count] + frame * frames.logs.shape[1])
    likeliest = walk.symbols[:count] == frames.likeliest[at][:, np.newaxis]
    goes = (
        walk.stay[:count] == 0.0,
        np.pad(walk.exists[:count, 1:] == 0.0, ((0, 0), (0, 1))),
        np.pad(walk.skip[:count, 2:] == 0.0, ((0, 0), (0, min(2, states)))),
    )
    high, low = (np.broadcast_to(part[at][:, np.newaxis], (count, states)) for part in frames.rest)
    scale = 1.0 + high[:, :1]
    held = np.zeros((count, states), dtype=bool)
    for step, allowed in enumerate(goes):
        here = slice(step, step + states)
        high, error = two_sum(high, np.where(allowed, -share[:, here], 0.0))
        low = low + error
        held |= allowed & likeliest[:, here]
    left: Array = np.where(held, 0.0, 1.0) + np.maximum(high + low, 0.0)
    return left / scale


@np.errstate(divide="ignore", invalid="ignore")
def log_loss(
    frames: Ragged,
    label: Ragged,
    lengths: Integers,
    *,
    blank: int,
    from_logits: bool,
    merge_repeated: bool,
) -> Array:
    """The negative logarithm of each label's likelihood, (n,); infinite where no walk fits.

    `frames` holds rows of (T, C) logits or log-probabilities, of which the first `lengths` count;
    `label` symbols other than `blank`. Where the likelihood is nearly 1, it is 1 less the sum of
    what leaves the label's walks, a sum of positive terms. So logits give 6 max(1, |ln loss|) ulp,
    and some more for hundreds of frames; log-probabilities, which are rounded themselves, 4 ulp of
    max(1, loss).
    """
    walk = _walk(frames, label, lengths, blank, merge_repeated)
    found = _log_loss(walk, frames, from_logits, near_certain=False)
    likely = np.flatnonzero(found < math.log(2.0))
    if from_logits and likely.size:  # what leaves the walks costs as much again: for these alone
        rows = frames.take(likely)
        walk = _walk(rows, label.take(likely), lengths[likely], blank, merge_repeated)
        found[likely] = _log_loss(walk, rows, from_logits, near_certain=True)
    return found


def _log_loss(walk: _Walk, frames: Ragged, from_logits: bool, *, near_certain: bool) -> Array:
    """The same for rows whose likelihood is nearly 1, or for those where it is not."""
    emitted = None
    if frames.values.size:
        emitted = _frames(frames.values, from_logits, parts=near_certain)
    rows, states = walk.exists.shape
    total, rest = np.zeros(rows), np.zeros(rows)
    lost, lost_rest = np.zeros(rows), np.zeros(rows)
    last = np.full((rows, states), -np.inf)
    last[:, 0] = 0.0
    if emitted is not None:
        for frame, before, after, top in _steps(walk, emitted.logs):
            count = len(top)
            if near_certain:
                mass = np.exp(before + total[:count, np.newaxis])
                leaves = row_sum(mass * _leaving(walk, emitted, frame, count))
                lost[:count], error = two_sum(lost[:count], leaves)
                lost_rest[:count] += error
            total[:count], error = two_sum(total[:count], top)
            rest[:count] += error
            last[:count] = after
    complete = np.where(walk.final, last, -np.inf)
    best = np.max(complete, axis=1)
    best[np.isneginf(best)] = 0.0
    tail = np.log(row_sum(np.exp(complete - best[:, np.newaxis]))) + best
    values = -(total + (rest + tail))
    if near_certain:
        unfinished = np.where(walk.final, 0.0, np.exp(last + total[:, np.newaxis]))
        lost += lost_rest + row_sum(unfinished)
        values = np.where(values < math.log(2.0), -np.log1p(-lost), values)
    found = np.empty(rows)
    found[walk.order] = np.maximum(values, 0.0)
    return found


@np.errstate(divide="ignore", invalid="ignore")
def gradient(
    frames: Ragged,
    label: Ragged,
    lengths: Integers,
    *,
    blank: int,
    from_logits: bool,
    merge_repeated: bool,
) -> Array:
    """The derivative of each row's loss by its frames' values, (frames, C): softmax less the share
    of the walks that emit the symbol there (log-probabilities: less that share).

    0 beyond `lengths`; NaN in rows whose loss is infinite.
    """
    walk = _walk(frames, label, lengths, blank, merge_repeated)
    logs = _frames(frames.values, from_logits).logs
    states = walk.exists.shape[1]
    forward = [(after, frame) for frame, _, after, _ in _steps(walk, logs)]
    slope = np.zeros(logs.size)
    log_beta = np.full((len(walk.order), states + 2), -np.inf)
    log_beta[:, :states] = np.where(walk.final, 0.0, -np.inf)
    skip = np.pad(walk.skip[:, 2:], ((0, 0), (0, min(2, states))), constant_values=-np.inf)
    for after, frame in reversed(forward):
        count = len(after)
        beta = log_beta[:count]
        joint = after + beta[:, :states]
        best = np.max(joint, axis=1, keepdims=True)
        best[np.isneginf(best)] = np.nan  # no walk fits
        share = np.exp(joint - best)
        share /= row_sum(share)[:, np.newaxis]
        places = walk.places[:count] + frame * logs.shape[1]
        firsts = (places[:, 0] - walk.symbols[:count, 0])[:, np.newaxis] + np.arange(logs.shape[1])
        slope[firsts] = np.where(np.isnan(best), np.nan, np.exp(logs.take(firsts)) * from_logits)
        np.subtract.at(slope, places[:, :states], np.where(walk.exists[:count] == 0.0, share, 0.0))
        ahead = beta + logs.take(places)
        beta[:, :states] = _log_sum(
            ahead[:, :states] + walk.stay[:count], ahead[:, 1:-1], ahead[:, 2:] + skip[:count]
        )
    return slope.reshape(logs.shape)
