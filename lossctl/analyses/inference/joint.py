"""Estimates that vary together: the spread of their differences, and joint draws of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array
from lossctl.student import normal_quantile, t_quantile

_CELLS = 1 << 20  # numbers drawn at once
# Standard deviations of differences below this part of those of the estimates are rounding.
_ROUNDING = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Estimates `values` (M,) whose differences have standard errors `spread` (M, M), and a matrix
    `root` (M, M) that makes independent normal numbers vary like them. `degrees` None: so many
    that Student's t is normal.

    `twin` (M,) is the first model from which each differs by rounding at most, or the model itself.
    """

    values: Array
    spread: Array
    root: Array
    twin: list[int]
    degrees: int | None

    def t(self) -> Array:
        """The t statistics of `values[i] - values[j]`, (M, M). Infinite where a difference that is
        not 0 does not vary."""
        apart = self.values[:, np.newaxis] - self.values
        return ratio(apart, self.spread)

    def noise(self, draws: int, seed: int) -> Iterator[Array]:
        """Joint draws of the errors, (count, M) a time, `draws` in all. Twins have the same."""
        normal, chi = np.random.default_rng(seed).spawn(2)
        models = self.values.size
        step = max(1, _CELLS // models)
        for start in range(0, draws, step):
            count = min(step, draws - start)
            made = normal.standard_normal((count, models)) @ self.root
            if self.degrees is not None:
                wide = np.sqrt(self.degrees / chi.chisquare(self.degrees, count))
                made *= wide[:, np.newaxis]
            yield made[:, self.twin]


def joint(values: Array, covariance: Array, degrees: int | None) -> Joint:
    """Estimates (M,) with their `covariance` (M, M), of which only that of differences matters.

    It may be singular. The covariance of differences from one of the models serves best: where all
    models share a large part, it is rounded away before. Differences whose variance is below 1e-14
    of the estimates' own are taken as that uncertain.
    """
    own = np.diag(covariance)
    sums = own[:, np.newaxis] + own
    floor = _ROUNDING * np.sqrt(sums)
    raw = np.sqrt(np.maximum(sums - 2.0 * covariance, 0.0))
    np.fill_diagonal(raw, 0.0)
    equal = (raw <= floor) & (values[:, np.newaxis] == values)
    spread = np.where(equal, 0.0, np.maximum(raw, floor))
    centred = covariance - covariance.mean(axis=0)
    centred = centred - centred.mean(axis=1)[:, np.newaxis]
    # The symmetric root does not depend on the choice of eigenvectors.
    found, vectors = np.linalg.eigh((centred + centred.T) / 2.0)
    root = (vectors * np.sqrt(np.maximum(found, 0.0))) @ vectors.T
    return Joint(values, spread, root, equal.argmax(axis=1).tolist(), degrees)


def largest(found: Joint, draws: int, seed: int, pairs: list[tuple[int, list[int]]]) -> Array:
    """The largest |t| among the `pairs` (one, others) in each draw, (steps, draws): after the
    first of them, after the first two, and so on."""
    sizes = np.zeros((len(pairs), draws))
    start = 0
    for noise in found.noise(draws, seed):
        best = np.zeros(len(noise))
        for step, (one, others) in enumerate(pairs):
            if others:
                apart = np.abs(noise[:, others] - noise[:, [one]])
                best = np.maximum(best, ratio(apart, found.spread[one, others]).max(axis=1))
            sizes[step, start : start + len(noise)] = best
        start += len(noise)
    return sizes


def ratio(apart: Array, spread: Array) -> Array:
    """Differences by their standard errors; 0 for 0 / 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(apart == 0.0, 0.0, apart / spread)


def quantile(probability: float, degrees: int | None) -> float:
    """Of Student's t, or of the normal distribution."""
    if degrees is None:
        return normal_quantile(probability)
    return t_quantile(probability, degrees)
