"""Which loss needs fewest rows, where errors are symmetric and all aim at the same centre."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from lossctl.analyses.advice import efficiency
from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.advice.rules.skew import SYMMETRIC
from lossctl.analyses.advice.rules.tails import INFINITE, reaches, tail_index
from lossctl.analyses.advice.scale import huber_spec
from lossctl.analyses.tails import GAUSSIAN_RATIO, geary_z

SURE = 3.0  # standard deviations of Geary's statistic
LEAST = 0.1  # of the rows: less is not worth another loss
MEMORY = "residuals remember the loss that a model was trained with"


def symmetric(errors: Errors) -> Advice | None:
    """MSE, or Huber or MAE where the tails are so heavy that they need fewer rows."""
    index = tail_index(np.square(errors.r))
    if index is None or reaches(errors, index, INFINITE) or abs(errors.apart()) > SYMMETRIC:
        return None
    found = efficiency.of_sample(errors.r)
    if found is None:
        return None
    centred = errors.r - errors.r.mean()
    deviation = float(np.sqrt(np.square(centred).mean()))
    ratio = deviation / float(np.abs(centred).mean())
    z = geary_z(1.0 / ratio, errors.n)
    mark = errors.sample.mark
    evidence = f"rmse/mae {mark}{ratio:.3f}, Gaussian {GAUSSIAN_RATIO:.3f}"
    data = {**asdict(found), "geary_z": z, "khat": index, "ratio": ratio}
    about = mark or "about "
    saved = {loss: found.fewer(loss) for loss in ("huber", "mae")}
    best = max(saved, key=lambda loss: saved[loss])
    if z < -SURE and saved[best] >= LEAST:
        do = huber_spec(errors.unit) if best == "huber" else "mae"
        text = (
            f"{do} fits these errors with {about}{_tens(saved[best])} % fewer rows than mse: they "
            f"are symmetric with heavier tails than Gaussian ({evidence}); {MEMORY}"
        )
        finding = (
            f"{'Huber' if best == 'huber' else 'MAE'} needs {about}{_tens(saved[best])} % fewer "
            f"rows than MSE to fit errors like these."
        )
        return Advice("loss", do, text, finding, 40.0, gain=saved[best], data=data)
    if z < -SURE or saved[best] >= LEAST:
        return None  # neither one nor the other is clear
    tails = "lighter tails than Gaussian" if z > SURE else "tails as Gaussian ones"
    more = found.mae / found.mse - 1.0
    text = (
        f"mse fits: the errors are symmetric (mean {errors.r.mean():.3g}, median "
        f"{errors.median:.3g}) with {tails} ({evidence}); mae would need {about}"
        f"{_tens(more)} % "
        f"more rows; {MEMORY}"
    )
    finding = f"MSE suits these errors: they are symmetric, with {tails}."
    return Advice("loss", "mse", text, finding, 5.0, data=data)


def _tens(share: float) -> int:
    """A share as per cent, to the ten that such an estimate is good for."""
    return 10 * round(10 * share)
