"""How far each loss lies from its oracle, and how far it is promised to at most.

`python -m tests.accuracy` measures and prints the table, `--write` writes docs/accuracy.md.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from lossctl.loss import Loss
from tests.loss_cases import CASES, OWN
from tests.loss_data import Form, Told, drawn, given, rowwise
from tests.loss_rows import Data, rows_of
from tests.oracles import ORACLES, WHOLE

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
LARGEST = Fraction(np.finfo(np.float64).max)

# --- what is promised --------------------------------------------------------------------------

Limit = float | Callable[[Told, Data], Any]


@dataclass(frozen=True, slots=True)
class Promise:
    """The most by which a value may miss the exact one, in ulps of it, or of its largest term
    where it is a difference that may cancel; `words` and `why` say so in the table."""

    ulps: Limit
    why: str = ""
    words: str = ""
    terms: Callable[[Told, Data], Any] | None = None

    def limit(self, told: Told, data: Data) -> Any:
        with np.errstate(all="ignore"):
            return self.ulps(told, data) if callable(self.ulps) else self.ulps

    @property
    def said(self) -> str:
        return self.words or f"{self.ulps:g}"


def _nll_terms(told: Told, data: Data) -> Any:
    v = data["scale"] if told["variance"] else data["scale"] ** 2
    return np.abs(np.log(np.maximum(v, max(told["eps"], 5e-324)))) + 1.0


def _poisson_terms(told: Told, data: Data) -> Any:
    count, pred = data["target"], data["pred"]
    if told["full"]:
        return np.maximum(np.where((count > 0.0) & (count < 1.0), 1.0, 0.0), told["eps"])
    if told["log_input"]:
        return np.abs(count * pred)
    logs = np.abs(np.log(np.maximum(pred + told["eps"], 5e-324)))
    return count * np.maximum(logs, 1.0 if told["eps"] else 0.0)


def _barron_limit(told: Told, data: Data) -> Any:
    """A power of alpha/2 magnifies the rounding of its base; e**(z/2) that of z."""
    if told["alpha"] == math.inf:
        size = np.minimum(np.abs(data["pred"] - data["target"]) / told["c"], 1e100)
        return 4.0 + 4.0 * size * size
    return 4.0 + 2.0 * max(told["alpha"], 0.0)


def _tweedie_limit(told: Told, data: Data) -> Any:
    if told["power"] in (0.0, 1.0, 2.0, 3.0):
        return 4.0
    sizes = np.abs([data["pred"], data["target"]])
    extreme = ((sizes < 1e-100) & (sizes > 0.0)) | (sizes > 1e100)
    return np.where(extreme.any(axis=0), 1000.0, 6.0 if told["power"] == 1.5 else 16.0)


def _near_limit(name: str) -> Limit:
    """Shares that were rounded first differ by their rounding, which counts most where they nearly
    agree: a divergence of v then has a relative error of the rounding unit over the root of v."""

    def limit(told: Told, data: Data) -> Any:
        if not any(
            told.get(part)
            for part in ("normalize", "from_logits", "log_input", "log_target", "eps")
        ):
            return 8.0
        value = OWN[name](**data, **told)
        root = value if told.get("sqrt") else np.sqrt(np.abs(value))
        return 8.0 + 8.0 / np.maximum(root, 1e-17)

    return limit


def _asymmetric_limit(told: Told, data: Data) -> Any:
    """The power of a probability less `clip` magnifies what their difference cancels."""
    pred = data["pred"]
    with np.errstate(over="ignore"):
        share = 1.0 / (1.0 + np.exp(-pred)) if told["from_logits"] else pred
    left = np.maximum(share - told["clip"], 1e-17)
    return 8.0 + 2.0 * told["gamma_neg"] * share / left


def _box_terms(told: Told, data: Data) -> Any:
    return 1.0 if told["as_similarity"] or told["boxes"] != "xyxy" else 0.0


def _largest_coordinate(told: Told, data: Data) -> Any:
    return np.max([np.abs(column).max(axis=1) for column in data.values()], axis=0) + told["eps"]


def _margin_logits(told: Told, data: Data) -> Any:
    lengths = np.sqrt(np.square(data["class_vectors"]).sum(axis=1).max())
    return lengths * np.sqrt(np.square(data["embedding"]).sum(axis=1))


def _contrastive_limit(told: Told, data: Data) -> Any:
    """The square of margin - distance, which cancels, misses by twice what that misses."""
    apart = np.sqrt(np.square(data["left"] - data["right"]).sum(axis=1))
    lacking = np.maximum(told["margin"] - apart, 1e-17)
    alike = data["target"] == told["similar"]
    return np.where(alike, 4.0, 4.0 + 4.0 * told["margin"] / lacking)


UNDERFLOW = "of products below 1e-300, in ulps of that"
BOXES = Promise(
    4.0, "corners made of a centre or size, and 1 - loss, are rounded: in ulps of 1",
    "4; 4 of 1 unless boxes=xyxy", _box_terms,
)  # fmt: skip
SCALED = Promise(8.0, "a difference: in ulps of the largest logit")
ORDINARY = Promise(4.0)
EXACT = Promise(0.0, "counts are exact")
ONE = Promise(1.0, "one rounding")
SQUARE = Promise(2.0, "the square of a difference that is rounded")
PROMISES: dict[str, Promise] = {
    "mean_absolute_error": ONE,
    "l1_norm": ONE,
    "mean_bias_error": ONE,
    "hinge": ONE,
    "perceptron": ONE,
    "mean_squared_error": SQUARE,
    "half_mean_squared_error": SQUARE,
    "root_mean_squared_error": SQUARE,
    "l2_norm": SQUARE,
    "huber": replace(SQUARE, why="a square or a product of a difference that is rounded"),
    "pinball": Promise(2.0, "a product of a difference that is rounded"),
    "squared_hinge": SQUARE,
    "zero_one": EXACT,
    "hamming": EXACT,
    "accuracy": EXACT,
    "edit_distance": Promise(1.0, "a count, or one quotient of two"),
    "character_error_rate": EXACT,
    "word_error_rate": EXACT,
    "mean_squared_logarithmic_error": Promise(6.0, "a square of a logarithm"),
    "root_mean_squared_logarithmic_error": Promise(6.0, "a square of a logarithm"),
    "tweedie_deviance": Promise(
        _tweedie_limit,
        "powers of extreme values; 4 at the powers 0, 1, 2 and 3",
        "6 at power 1.5, 16 at others; 1000 beyond 1e±100",
    ),
    "general_robust": Promise(
        _barron_limit,
        "a power magnifies the rounding of its base, and e^(z/2) that of z",
        "4 + 2 alpha; 4 + 4 (e/c)² at alpha=inf",
    ),
    "poisson_nll": Promise(
        lambda told, data: 20.0 if told["full"] else 4.0,
        "a difference: in ulps of its largest term",
        "4; 20 with the constant",
        _poisson_terms,
    ),
    "gaussian_nll": Promise(4.0, "a difference: in ulps of its largest term", terms=_nll_terms),
    "binary_cross_entropy": Promise(4.0, UNDERFLOW, terms=lambda told, data: 1e-300),
    "weighted_cross_entropy": Promise(4.0, UNDERFLOW, terms=lambda told, data: 1e-300),
    "balanced_cross_entropy": Promise(4.0, UNDERFLOW, terms=lambda told, data: 1e-300),
    "binary_focal": Promise(8.0, "a power of a rounded probability"),
    "asymmetric_loss": Promise(
        _asymmetric_limit,
        "a power of p - clip, which cancels",
        "8 + 2 gamma_neg p / (p - clip)",
    ),
    "kl_divergence": Promise(
        _near_limit("kl_divergence"),
        "a sum with two signs; shares that are normalised or exponentiated first are rounded",
        "8; 8 / √loss more with normalize or eps; of 1 with logarithms",
        lambda told, data: 1.0 if told["log_input"] or told["log_target"] else 0.0,
    ),
    "js_divergence": Promise(
        _near_limit("js_divergence"),
        "a sum with two signs; shares that are normalised first are rounded",
        "8; 8 / √loss more with normalize or eps",
    ),
    "ctc": Promise(
        4.0,
        "log-probabilities that are given sum to 1 but for their rounding",
        "4; 4 of 1 with from_logits=false",
        lambda told, data: 0.0 if told["from_logits"] else 1.0,
    ),
    "brier": Promise(8.0, "squares of rounded probabilities"),
    "ranked_probability_score": Promise(8.0, "squares of rounded probabilities"),
    "crps_gaussian": Promise(6.0, "a difference of the normal distribution and density"),
    "iou_loss": BOXES,
    "giou_loss": BOXES,
    "diou_loss": BOXES,
    "ciou_loss": BOXES,
    "triplet_margin": Promise(
        8.0,
        "a difference of distances: in ulps of the largest coordinate",
        terms=_largest_coordinate,
    ),
    "contrastive": Promise(
        _contrastive_limit,
        "margin - distance cancels",
        "4 of a like pair; 4 margin / (margin - distance) more of others",
    ),
    "categorical_focal": Promise(6.0, "a power of a rounded probability"),
    "focal_tversky": Promise(8.0, "a power of a rounded ratio"),
    "large_margin_softmax": replace(SCALED, terms=_margin_logits),
    "arcface": replace(SCALED, terms=lambda told, data: told["scale"]),
    "cosface": replace(SCALED, terms=lambda told, data: told["scale"]),
    "cosine_distance": Promise(
        4.0,
        "with sign=keras in ulps of 1",
        terms=lambda told, data: 1.0 if told["sign"] == "keras" else 0.0,
    ),
}


def promise(loss: Loss) -> Promise:
    return PROMISES.get(loss.name, ORDINARY)


# --- what is measured --------------------------------------------------------------------------


def oracle(loss: Loss, told: Told) -> Callable[..., Any]:
    """The oracle with these settings, but for those that only say which rows count."""
    formula = ORACLES[loss.name]
    taken = inspect.signature(formula).parameters
    settings = {name: value for name, value in told.items() if name in taken}
    return lambda *roles, **weights: formula(*roles, **settings, **weights)


def errors(loss: Loss, told: Told, data: Data, names: list[str]) -> Any:
    """How far each row lies from the oracle, in ulps; rows too large for a float must be inf."""
    formula = oracle(loss, told)
    wanted = [formula(*row) for row in rows_of(loss, data, names)]
    terms = np.zeros(len(wanted))
    with np.errstate(all="ignore"):
        largest = promise(loss).terms
        if largest is not None:
            terms = np.broadcast_to(largest(told, data), terms.shape)
    found = loss(**data, **told)
    missed = np.array([_ulps(*row) for row in zip(found, wanted, terms, strict=True)])
    return np.where(counted(loss, told, data), missed, 0.0)


def counted(loss: Loss, told: Told, data: Data) -> Any:
    """Which rows count at all: not those of an ignored class, nor of a target that is skipped."""
    values = loss.evaluate(data, told)
    return (values[1] != 0.0) | (values[0] != 0.0) if isinstance(values, tuple) else True


def _ulps(got: float, want: Any, term: float) -> float:
    if mpmath.isnan(want) or math.isnan(got):
        return math.inf
    if abs(want) > LARGEST:
        return 0.0 if got == float(mpmath.sign(want)) * math.inf else math.inf
    if not math.isfinite(got):
        return 0.0 if abs(want) > 0.4 * LARGEST else math.inf
    unit = math.ulp(max(abs(float(want)), min(float(term), 1e308)))
    return float(abs(mpmath.mpf(float(got)) - want)) / unit


def judged(loss: Loss, told: Told, form: Form) -> bool:
    """Whether its oracle says what single rows are worth."""
    bound = [role.name for role in given(loss, told, form)]
    return loss.name not in WHOLE and loss.scope_for(bound, told) == "row"


def measured(loss: Loss, seed: int = 0) -> tuple[float, float]:
    """The worst error of a loss over all its cases: on ordinary rows and on extreme ones."""
    worst = [0.0, 0.0]
    for one, told, form in (case.values for case in CASES):
        if one is not loss or not judged(loss, told, form):
            continue
        names = rowwise(loss, told, form)
        rows = drawn(loss, told, form, seed)
        found = errors(loss, told, rows.data, names)
        for place, part in enumerate((~rows.extreme, rows.extreme)):
            worst[place] = max(worst[place], float(np.max(found[part], initial=0.0)))
    return worst[0], worst[1]


# --- the table ---------------------------------------------------------------------------------

HEAD = """# Accuracy

How far the value of one row lies from the exact value of the formula for the same float64 inputs,
in units in the last place (ulp) of that value. The exact values are those of the oracles in
`tests/oracles/`, textbook formulas evaluated to 50 digits. *Ordinary* rows are of the size that
data have, a third of them nearly equal; *extreme* ones hold zeros, denormals, 1e±300, probabilities
one bit from 1, logits of 1e4 and of -inf. Each loss is measured with every setting that is tested.

The aim is 1 ulp where one rounding does it, 2 for a square, 4 for all else; a remark says why it
is missed, or where the unit is another. A test fails where a value misses by more than promised.

Sums over rows are exact and add at most one rounding. `python -m tests.accuracy --write` measures
again; the last digits of logarithms and exponentials differ a little between machines.

| loss | promised | ordinary | extreme | remark |
|---|---|---|---|---|
"""


def lines() -> Iterator[str]:
    for name, loss in OWN.items():
        said = promise(loss)
        if name in WHOLE:
            shown = ["one value of the whole file", "–", "–"]
        else:
            shown = [said.said, *(_shown(value) for value in measured(loss))]
        yield f"| {' | '.join([f'`{name}`', *shown, said.why])} |\n"


def _shown(value: float) -> str:
    return f"{value:.2g}" if value < 100.0 else f"{value:.0f}"


def main() -> None:
    page = HEAD + "".join(lines())
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(page, end="")


if __name__ == "__main__":
    main()
