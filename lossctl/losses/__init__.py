"""Every loss, by canonical name: `lossctl.losses.huber(pred, target, delta=2.0)`.

One module per family; a module here is a family as soon as it is listed. Each loss takes arrays
and returns what each sample adds, shape (n,).
"""

from __future__ import annotations

from lossctl.losses import regression
from lossctl.losses import robust
from lossctl.losses import forecasting
from lossctl.losses import companion
from lossctl.loss import Loss, losses as _registered

FAMILIES = (regression, robust, forecasting, companion)


def __getattr__(name: str) -> Loss:
    try:
        return _registered()[name]
    except KeyError:
        raise AttributeError(f"no loss is called {name}") from None


def __dir__() -> list[str]:
    return sorted(_registered())
