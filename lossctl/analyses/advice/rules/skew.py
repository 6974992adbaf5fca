"""What the predictions aim at, and whether it matters: a mean and a median differ."""

from __future__ import annotations

from dataclasses import asdict

from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.functional import Implied
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.significance import normal_p
from lossctl.analyses.wording import p_value

SYMMETRIC = 3.0  # standard errors between mean and median
FEWEST = 30  # rows
LEAST = 0.1  # robust deviations between mean and median: less is of no account
LIKE, UNLIKE = 0.05, 0.01  # p-values
FAR = 0.25  # from 0.5: a level that is no bias but an aim
EXTREME = 0.05  # from 0 and from 1: a level that is no aim but a bias


def implied(errors: Errors, found: Implied | None) -> Advice | None:
    """`judge them by mae, not rmse`: the predictions pass the test of one and fail the other's."""
    if found is None or found.mean_p is None or found.rows < FEWEST:
        return None
    below = f"{100 * found.quantile:.1f} % of targets below, {p_value(found.median_p)}"
    mean = f"mean residual {found.mean:+.3g}, {p_value(found.mean_p)}"
    data = asdict(found)
    if found.median_p >= LIKE and found.mean_p < UNLIKE:
        text = (
            f"these predictions behave like a median ({below}), not like a mean ({mean}): judge "
            f"them by mae, not rmse"
        )
        finding = f"Judge these predictions by MAE, not RMSE: they are medians ({below})."
        return Advice("aim", "mae", text, finding, 50.0, p=found.mean_p, data=data)
    if found.mean_p >= LIKE and found.median_p < UNLIKE and abs(errors.apart()) > SYMMETRIC:
        text = (
            f"these predictions behave like a mean ({mean}), not like a median ({below}): judge "
            f"them by mse or rmse, not mae"
        )
        finding = f"Judge these predictions by RMSE, not MAE: they are means ({mean})."
        return Advice("aim", "rmse", text, finding, 50.0, p=found.median_p, data=data)
    if abs(found.quantile - 0.5) > FAR and max(found.mean_p, found.median_p) < UNLIKE:
        level = round(found.quantile, 2)
        if not EXTREME <= level <= 1.0 - EXTREME:
            where = "above" if level > 0.5 else "below"
            said = f"these predictions lie {where} nearly all targets ({below}; {mean})"
            finding = f"These predictions lie {where} nearly all targets: a bias ({mean})."
            text = f"{said}: a bias, unless an extreme quantile is what they are"
            return Advice("aim", "correct the bias", text, finding, 45.0, p=found.mean_p, data=data)
        text = (
            f"these predictions behave like a {level} quantile ({below}; {mean}): if that is what "
            f"they are, judge them by pinball:quantile={level}; else they are biased"
        )
        finding = f"These predictions look like a {level} quantile, or are biased ({mean})."
        do = f"pinball:quantile={level}"
        return Advice("aim", do, text, finding, 45.0, p=found.median_p, data=data)
    return None


def skew(errors: Errors) -> Advice | None:
    """`pick the mean or the median first`, where those of the errors differ."""
    apart = errors.apart()
    mean, middle = float(errors.r.mean()), errors.median
    if abs(apart) <= SYMMETRIC or errors.n < FEWEST or abs(mean - middle) < LEAST * errors.unit:
        return None
    mark = errors.sample.mark
    text = (
        f"mse and mae ask for different predictions: the errors are skewed (mean {mark}{mean:.3g}, "
        f"median {mark}{middle:.3g}, {mark}{abs(apart):.1f} standard errors apart); decide "
        f"first whether a mean or a median is wanted"
    )
    finding = (
        "Decide first whether a mean or a median is wanted: the errors are skewed, so that MSE and "
        "MAE ask for different predictions."
    )
    data = {"mean": mean, "median": middle, "apart": apart}
    return Advice("skew", "mse or mae", text, finding, 30.0, p=normal_p(apart), data=data)
