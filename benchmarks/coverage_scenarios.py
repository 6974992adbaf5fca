"""Two models on the same targets, drawn from laws whose true differences are known exactly: what
`benchmarks.coverage` simulates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
Draw: TypeAlias = Callable[[np.random.Generator, int], "Drawn"]
ERRORS = ("mae", "mse", "rmse")
RHO = 0.85  # of the two models' errors
MORE = 1.1  # how many times as large the errors of the worse of two models are
GROUP = 10  # rows of a cluster
PHI = 0.5  # of the loss differences of neighbours in time
SIGMA = 1.0  # of the lognormal errors' logarithm


@dataclass(frozen=True, slots=True)
class Drawn:
    """One sample: the targets, both models' predictions, and what else `compare` is told."""

    target: Array
    first: Array
    second: Array
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`values` are the true losses of both models. `light`: nothing about the rows or their tails
    is amiss; `seen`: where something is, the rows can show it."""

    name: str
    group: str
    draw: Draw
    values: Mapping[str, tuple[float, float]]
    sizes: tuple[int, ...] = (200, 1000)
    light: bool = False
    seen: bool = True

    @property
    def losses(self) -> tuple[str, ...]:
        return tuple(self.values)

    def difference(self, loss: str) -> float:
        """What is to be covered."""
        first, second = self.values[loss]
        return 0.0 if math.isclose(first, second, rel_tol=1e-12) else second - first

    def change(self, loss: str) -> float:
        """The same as a fraction of the first model's loss."""
        return self.difference(loss) / self.values[loss][0]


# --- laws of errors: how they are made of Gaussian ones, their mean size and mean square ----------


@dataclass(frozen=True, slots=True)
class Law:
    """Errors of mean 0: `size` is E|e|, `square` E e**2. `make` is given a standard Gaussian number
    and one that is chi-square over its `degrees`, for each row."""

    make: Callable[[Array, Array], Array]
    size: float
    square: float
    degrees: float = 0.0

    def times(self, scale: float) -> Law:
        return Law(lambda z, w: scale * self.make(z, w), abs(scale) * self.size,
                   scale * scale * self.square, self.degrees)  # fmt: skip

    def unit(self) -> Law:
        """With mean square 1."""
        return self.times(1.0 / math.sqrt(self.square))


def student(degrees: float) -> Law:
    size = math.sqrt(degrees / math.pi) * math.gamma((degrees - 1) / 2) / math.gamma(degrees / 2)
    return Law(lambda z, w: z / np.sqrt(w), size, degrees / (degrees - 2), degrees)


def lognormal(sigma: float) -> Law:
    mean = math.exp(sigma * sigma / 2)
    size = 2 * mean * math.erf(sigma / (2 * math.sqrt(2.0)))
    square = mean * mean * math.expm1(sigma * sigma)
    return Law(lambda z, _: np.exp(sigma * z) - mean, size, square)


GAUSSIAN = Law(lambda z, _: z, math.sqrt(2 / math.pi), 1.0)
EXPONENTIAL = Law(lambda z, _: -np.log(_above(z)) - 1.0, 2 / math.e, 1.0)


def _above(z: Array) -> Array:
    """P(Z > z)."""
    from scipy.special import ndtr

    return ndtr(-z)


def values(first: Law, second: Law) -> dict[str, tuple[float, float]]:
    """The true losses."""
    return {
        "mae": (first.size, second.size),
        "mse": (first.square, second.square),
        "rmse": (math.sqrt(first.square), math.sqrt(second.square)),
    }


def _two(rng: np.random.Generator, shape: int, rho: float = RHO) -> tuple[Array, Array]:
    """Gaussian numbers, two by two of correlation rho."""
    one, other = rng.standard_normal((2, shape))
    return one, rho * one + math.sqrt(1.0 - rho * rho) * other


def errors(first: Law, second: Law, rho: float = RHO) -> Draw:
    """Of errors that share what makes a row hard: of two t laws the divisor too."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        z, v = _two(rng, n, rho)
        degrees = max(first.degrees, second.degrees)
        w = rng.chisquare(degrees, n) / degrees if degrees else np.ones(n)
        return _drawn(rng, first.make(z, w), second.make(v, w))

    return draw


def _drawn(rng: np.random.Generator, first: Array, second: Array, **options: Any) -> Drawn:
    target = 10.0 + 3.0 * rng.standard_normal(first.size)
    return Drawn(target, target + first, target + second, options)


def rare(share: float, scale: float) -> Draw:
    """The second model is the first with its own small noise, but for a few rows."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        z, v = _two(rng, n)
        return _drawn(rng, z, np.where(rng.random(n) < share, scale, 1.0) * v)

    return draw


def mixed(share: float, scale: float) -> Law:
    """The law of the second of these."""
    return Law(GAUSSIAN.make, GAUSSIAN.size * (1 + share * (scale - 1)),
               1 + share * (scale * scale - 1))  # fmt: skip


# --- rows that depend on each other -----------------------------------------------------------


def clustered(scale: float, told: bool, shuffled: bool = False) -> Draw:
    """Gaussian errors half of whose variance is that of GROUP rows together."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        group = np.arange(n) // GROUP
        if shuffled:
            group = rng.permutation(group)
        common, own = _two(rng, n // GROUP, 0.5), _two(rng, n)
        half = math.sqrt(0.5)
        first, second = (half * (c[group] + o) for c, o in zip(common, own, strict=True))
        return _drawn(rng, first, scale * second, **({"cluster": group} if told else {}))

    return draw


OFFSET, APART = 8.0, 0.5  # the first model's bias, and the deviation of the differences


def in_time(more: float, told: bool) -> Draw:
    """Errors that are never below 0, so that the differences of absolute errors are an AR(1) series
    of mean `more`."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        fresh = rng.standard_normal(n)
        series = np.empty(n)
        series[0] = fresh[0]
        for place in range(1, n):
            series[place] = PHI * series[place - 1] + math.sqrt(1 - PHI * PHI) * fresh[place]
        first = OFFSET + rng.standard_normal(n)
        second = first + more + APART * series
        return _drawn(rng, first, second, **({"time": np.arange(n)} if told else {}))

    return draw


def values_in_time(more: float) -> dict[str, tuple[float, float]]:
    """mae and mse; of the latter the second model's is larger by its variance too."""
    first = OFFSET**2 + 1.0
    second = (OFFSET + more) ** 2 + 1.0 + APART**2
    return {
        "mae": (OFFSET, OFFSET + more),
        "mse": (first, second),
        "rmse": (math.sqrt(first), math.sqrt(second)),
    }


# --- two classes ------------------------------------------------------------------------------

AS_CLASSES = {"task": "multiclass"}
SLOPE, NOISE = 1.5, 0.5  # of the true logits; of both models'


def logits(first: float, second: float, noise: float = NOISE) -> Draw:
    """Labels of logits SLOPE z; models know these times `first` and `second`, with noise."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        logit = SLOPE * rng.standard_normal(n)
        labels = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
        one, other = rng.standard_normal((2, n))
        return Drawn(labels, *(1 / (1 + np.exp(-slope * (logit + noise * more)))
                               for slope, more in ((first, one), (second, other))))  # fmt: skip

    return draw


def _expected(f: Callable[[Array], Array], deviation: float) -> float:
    """E f(X) of a Gaussian X of mean 0, by the trapezium rule, which is exact to 1e-12 here."""
    x = np.linspace(-12.0, 12.0, 20_001)
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return float(np.sum(f(deviation * x) * density) * (x[1] - x[0]))


def cross_entropy(slope: float, noise: float = NOISE) -> float:
    """E log(1 + exp(l)) - y l, of logits l = slope (true + noise)."""
    spread = abs(slope) * math.hypot(SLOPE, noise)
    soft = _expected(lambda x: np.logaddexp(0.0, x), spread)
    return soft - _expected(lambda x: slope * x / (1 + np.exp(-x)), SLOPE)


def accuracy(noise: float) -> float:
    """P(the sign of the noisy logit is the label's)."""
    from scipy.special import ndtr

    def right(x: Array) -> Array:
        p, above = 1 / (1 + np.exp(-x)), ndtr(x / noise)
        return p * above + (1 - p) * (1 - above)

    return _expected(right, SLOPE)


def chosen(first: float, second: float) -> Draw:
    """Labels 0 and 1 that models choose by noisy logits, as predicted classes."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        logit = SLOPE * rng.standard_normal(n)
        labels = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
        one, other = _two(rng, n, 0.5)
        models = ((first, one), (second, other))
        said = [(logit + noise * more > 0).astype(int) for noise, more in models]
        return Drawn(labels, said[0], said[1], AS_CLASSES)

    return draw


def scarce(share: float, better: float) -> Draw:
    """Classes that differ in a `share` of the rows, of which the second model has `better` right;
    the first is right in 80 % of all others, as is the second."""

    def draw(rng: np.random.Generator, n: int) -> Drawn:
        labels = rng.integers(0, 2, n)
        first = np.where(rng.random(n) < 0.8, labels, 1 - labels)
        apart, won = rng.random(n) < share, rng.random(n) < better
        first = np.where(apart, np.where(won, 1 - labels, labels), first)
        return Drawn(labels, first, np.where(apart, 1 - first, first), AS_CLASSES)

    return draw


def values_scarce(share: float, better: float) -> dict[str, tuple[float, float]]:
    same = 0.8 * (1 - share)
    return {"accuracy": (same + share * (1 - better), same + share * better)}


# --- the scenarios ----------------------------------------------------------------------------

LARGE = (200, 1000, 5000)
ALIKE, UNLIKE = "errors of the same law", "errors of unlike laws"
DEPENDENT, CLASSES = "rows that depend on each other", "two classes"
MIRRORED = lognormal(SIGMA).times(-1.0)


def _laws() -> list[Scenario]:
    """Both models' errors are of one law, or of one with heavier tails than the other's."""
    made = []
    for name, law, sizes in (
        ("Gaussian", GAUSSIAN, (200, 1000)),
        ("t(5)", student(5), (200, 1000)),
        ("t(3)", student(3), LARGE),
        ("lognormal", lognormal(SIGMA), (200, 1000)),
    ):
        light, more = law is GAUSSIAN, law.times(MORE)
        made.append(Scenario(f"{name}, equal", ALIKE, errors(law, law), values(law, law), sizes,
                             light))  # fmt: skip
        made.append(Scenario(f"{name}, 10 % more", ALIKE, errors(law, more), values(law, more),
                             light=light))  # fmt: skip
    skewed = lognormal(SIGMA)
    made.append(Scenario("lognormal, skewed either way", ALIKE, errors(skewed, MIRRORED, -RHO),
                         values(skewed, MIRRORED)))  # fmt: skip
    for name, other, sizes in (
        ("exponential", EXPONENTIAL, (200, 1000)),
        ("t(5)", student(5).unit(), LARGE),
        ("lognormal", lognormal(SIGMA).unit(), LARGE),
        ("t(3)", student(3).unit(), LARGE),
    ):
        made.append(Scenario(f"Gaussian and {name}, equal MSE", UNLIKE, errors(GAUSSIAN, other),
                             values(GAUSSIAN, other), sizes))  # fmt: skip
    heavier = student(3)
    made.append(Scenario("Gaussian and t(3), three times the MSE", UNLIKE,
                         errors(GAUSSIAN, heavier), values(GAUSSIAN, heavier)))  # fmt: skip
    for share, scale, sizes in ((0.05, 3.0, (200, 1000)), (0.01, 6.0, LARGE)):
        law = mixed(share, scale)
        name = f"Gaussian and one with {share:.0%} of errors {scale:g} times as large"
        made.append(Scenario(name.replace("%", " %"), UNLIKE, rare(share, scale),
                             values(GAUSSIAN, law), sizes))  # fmt: skip
    return made


def _dependent() -> list[Scenario]:
    made = []
    for more, words in ((1.0, "equal"), (MORE, "10 % more")):
        law = GAUSSIAN.times(more)
        for told, shuffled, how in (
            (True, False, "`--cluster`"), (False, False, "not told"),
            (False, True, "not told, in any order"),
        ):  # fmt: skip
            if shuffled and more > 1.0:
                continue
            name = f"clusters of {GROUP}, {words}, {how}"
            made.append(Scenario(name, DEPENDENT, clustered(more, told, shuffled),
                                 values(GAUSSIAN, law), (400, 1000), told,
                                 not shuffled))  # fmt: skip
    for shift, words in ((0.0, "equal"), (0.1, "worse")):
        for told in (True, False):
            name = f"AR({PHI:g}), {words}, {'`--time`' if told else 'not told'}"
            made.append(Scenario(name, DEPENDENT, in_time(shift, told), values_in_time(shift),
                                 light=told))  # fmt: skip
    return made


def _classes() -> list[Scenario]:
    made = []
    for first, second, words, sizes in (
        (1.0, 1.0, "equal", (200, 1000)), (1.0, 1.5, "one is too sure", (200, 1000)),
        (1.0, 4.0, "one is far too sure", LARGE),
    ):  # fmt: skip
        known = {"bce": (cross_entropy(first), cross_entropy(second))}
        made.append(Scenario(f"probabilities, {words}", CLASSES, logits(first, second), known,
                             sizes, True))  # fmt: skip
    for one, other, words in ((1.0, 1.0, "equal"), (1.0, 1.8, "one is worse")):
        known = {"accuracy": (accuracy(one), accuracy(other))}
        made.append(Scenario(f"classes, {words}", CLASSES, chosen(one, other), known, light=True))
    for better, words in ((0.5, "equal"), (0.8, "one is better")):
        made.append(Scenario(f"classes that differ in 2 % of the rows, {words}", CLASSES,
                             scarce(0.02, better), values_scarce(0.02, better)))  # fmt: skip
    return made


SCENARIOS = (*_laws(), *_dependent(), *_classes())
