"""What docs/alarms.md says around its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.alarms_models import FIVE, SAMPLES
from benchmarks.alarms_runs import (
    CURVE,
    EQUAL,
    FIRST,
    LAST,
    LOOKS,
    POWER,
    SEQUENTIAL,
    UNPAIRED,
    UNPAIRED_ROWS,
    WORSE,
)

MOST, LEAST = 0.05, 0.8  # exit 1 of equal models, and of those that regress
ERRORS = 3.0  # standard errors of the simulation that a bar gives way


def error(share: float, runs: int) -> float:
    """The standard error of a share."""
    return math.sqrt(share * (1.0 - share) / runs)


def words(runs: int, seed: int) -> Mapping[str, Any]:
    """By where they stand."""
    return {
        "start": _start(runs, seed),
        "missed": MISSED,
        EQUAL: ("## Two equal models", EQUAL_TEXT),
        "margins": MARGIN_TEXT,
        "five": FIVE_TEXT,
        POWER: ("## A model that is worse", POWER_TEXT),
        "regressed": REGRESSED_TEXT,
        SEQUENTIAL: ("## Looks at growing data", LOOKS_TEXT),
        UNPAIRED: ("## A report as the baseline", UNPAIRED_TEXT),
    }


def _start(runs: int, seed: int) -> Sequence[str]:
    most, least = MOST + ERRORS * error(MOST, runs), LEAST - ERRORS * error(LEAST, runs)
    return (
        f"Written by `make alarms ARGS=--write`: {runs:,} builds of each line from seed {seed}, "
        "judged by the functions that `lossctl check` is made of. One build in 100 also goes "
        "through `lossctl.check`, and the program stops where that decides otherwise.",
        "**How to read it.** A build checks a candidate with `--max-increase LOSS=MARGIN` against "
        "the predictions of a baseline. It ends with 1 where the loss is surely beyond the margin, "
        "with 4 where it is beyond but noise could explain it, and with 0 where it is within. Of "
        "two equal models every exit 1 is a false alarm; of a model that is worse it is what the "
        "gate is for. `--naive` compares the bare numbers and knows only 0 and 1. In the tables "
        "*1*, *4* and *0* are exit statuses, and numbers are per cent of the builds of a line.",
        "**What is drawn.** Both models' errors have the same law: Gaussian, t with 5 degrees of "
        "freedom, or lognormal (the logarithm's deviation is 1) less its mean. The correlation is "
        "that of the Gaussian numbers that errors are made of; of t errors both share the divisor. "
        "Classifiers see labels of logits with deviation 1.5 and know these with noise of "
        "deviation 0.5: *classes* are their decisions, judged by zero_one, *probabilities* by bce; "
        f"the correlation is that of the noise. A build of five requires the same margin of "
        f"{', '.join(FIVE)}; from 3 margins on their p-values are corrected (Holm).",
        "**The bars.** (a) Of equal models at most 5 % of the builds end with 1. (b) A loss that "
        "is truly 3 standard errors beyond its margin ends with 1 in at least 80 %. (c) So does a "
        "build of five in which all are. (d) Looking again and again with `--sequential` alarms in "
        f"at most 5 % of the sequences. Of {runs:,} builds chance alone moves a share: a line "
        f"fails from {ERRORS:g} standard errors of the simulation on, above {100 * most:.1f} % or "
        f"below {100 * least:.1f} %. In brackets is how many meet the bare 5 and 80 %. "
        "The numbers 5 and 80 and the 3 standard errors were set before the first run.",
    )


MISSED = (
    "In each of these it is the rmse of lognormal errors. Their squares have tails so heavy that "
    "often a handful of the rows makes nearly all of the difference. The gate says so and ends "
    "with 4: whether the model is worse or a few rows are, so few cannot tell. Such a build is "
    "stopped all the same, as 4 is no pass, unless `--allow-undecided` lets it."
)

EQUAL_TEXT = (
    "An exit 1 is a false alarm. The gate alarms where the near end of the two-sided 95 % interval "
    "is beyond the margin: of equal models in about 2.5 % of the builds at a margin of 0 %, and in "
    "fewer the wider the margin is. `--naive` alarms in half of them at 0 %: one of two equal "
    "models is always the worse by a little, unless both err in as many rows."
)

MARGIN_TEXT = (
    "All lines of one margin together. `--allow-undecided` passes what ends with 4; `--strict` "
    "passes only what is shown to be within the margin, and stops the rest with 4 (or 1)."
)

FIVE_TEXT = (
    "Builds of five. *Any violated* counts builds in which one of the five is violated, though "
    "another is undecided and the build ends with 4: undecided comes before violated."
)

POWER_TEXT = (
    "The candidate's errors are so many times as large that the true loss is beyond the margin by "
    "3 standard errors of the ratio of the two losses (*margin 0 %*, *2 %*, *5 %*: how many end "
    f"with 1). The others are at a margin of {100 * CURVE:g} %: the *true increase* at +3, how "
    "many end with 4 there, and how many with 1 at +1 and +2 standard errors. "
    f"The standard error of the ratio of equal models is learnt from {SAMPLES:,} samples of so "
    "many rows; that of a ratio s is s times as large, so that a model is 3 of its own standard "
    "errors beyond a margin m where s = (1 + m) / (1 - 3 error). Where 3 of them are more than the "
    "whole (–), no factor is so far beyond. *+3 of the margin's* takes the standard error of a "
    "model right at the margin instead, s = (1 + m) (1 + 3 error): a smaller regression, and "
    "no matter of the bar. Of many rows a test that alarms by chance in 2.5 % catches 3 standard "
    "errors in 85 % of the builds, 2 in 52 % and 1 in 17 %."
)

REGRESSED_TEXT = (
    f"Builds of five at a margin of {100 * CURVE:g} %, with errors so much larger that mae and "
    "rmse both are 3 standard errors beyond it or more. The build ends with 1 where all five are "
    "surely beyond, and with 4 where one is not sure."
)

LOOKS_TEXT = (
    f"Data grow from {FIRST} to {LAST:,} rows in {LOOKS} looks. *False alarm*: the share of the "
    "sequences of equal models in which any look ends with 1, with plain intervals at each look "
    "(*fixed*), and with `--sequential`. *Caught*: the same where the candidate's errors are "
    f"{100 * (WORSE - 1):.0f} % larger. *Rows when caught* is the median over the sequences that "
    "`--sequential` catches. The loss is mae."
)

UNPAIRED_TEXT = (
    "Where the baseline is a JSON report, no rows are paired, and both errors are taken as "
    f"independent. Of equal models ({UNPAIRED_ROWS:,} rows, Gaussian errors, mae, margin 0 %) "
    "errors that are correlated make that too cautious:"
)
