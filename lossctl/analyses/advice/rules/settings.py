"""Settings in the target's unit, whose defaults are for errors of about 1."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.advice.scale import HUBER, LOG_COSH, TUKEY, huber_spec

FEWEST = 30  # rows
NEAR = 2.0  # a robust deviation of 1 / NEAR to NEAR is near enough to 1


def settings(errors: Errors) -> Advice | None:
    """`huber:delta=73.6`, where the default delta leaves nothing but absolute or squared error."""
    unit = errors.unit
    if errors.n < FEWEST or not unit > 0.0 or 1.0 / NEAR <= unit <= NEAR:
        return None
    mark = errors.sample.mark
    beyond = float((np.abs(errors.r) > 1.0).mean())
    share = f"{mark}{100 * beyond:.3g} %"
    default = f"which {share} of these errors exceed" if beyond else "which no error exceeds"
    spec = huber_spec(unit)
    text = (
        f"{spec} (1.345 robust deviations of {mark}{unit:.3g}), not its default 1, {default}; "
        f"likewise tukey_biweight:c={TUKEY * unit:.3g}; log_cosh has no scale: divide both columns "
        f"by {mark}{LOG_COSH * unit:.3g} first"
    )
    finding = f"Huber needs delta={HUBER * unit:.3g} here, not its default 1, {default}."
    data = {"unit": unit, "huber": HUBER * unit, "tukey": TUKEY * unit,
            "log_cosh": LOG_COSH * unit, "beyond": beyond}  # fmt: skip
    return Advice("scale", spec, text, finding, 2.0, data=data)
