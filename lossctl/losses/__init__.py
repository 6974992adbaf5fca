"""Every loss, by canonical name: `lossctl.losses.huber(pred, target, delta=2.0)`.

One module per family; a module here is a family as soon as it is listed. Each loss takes arrays
and returns what each sample adds, shape (n,).
"""

from __future__ import annotations

from lossctl.loss import Loss, named
from lossctl.loss import losses as _registered

# The order of import is the order in which losses are listed.
# isort: off
from lossctl.losses import regression
from lossctl.losses import asymmetric
from lossctl.losses import likelihood
from lossctl.losses import robust
from lossctl.losses import forecasting
from lossctl.losses import binary
from lossctl.losses import categorical
from lossctl.losses import reshaped
from lossctl.losses import margin
from lossctl.losses import distribution
from lossctl.losses import scoring
from lossctl.losses import masks
from lossctl.losses import boxes
from lossctl.losses import sequence
from lossctl.losses import embedding
from lossctl.losses import angular
from lossctl.losses import composite
from lossctl.losses import companion
# isort: on

FAMILIES = (
    regression,
    asymmetric,
    likelihood,
    robust,
    forecasting,
    binary,
    categorical,
    reshaped,
    margin,
    distribution,
    scoring,
    masks,
    boxes,
    sequence,
    embedding,
    angular,
    composite,
    companion,
)


def __getattr__(name: str) -> Loss:
    _registered()
    found = named(name)
    if not found:
        raise AttributeError(f"no loss is called {name}")
    return found[0]


def __dir__() -> list[str]:
    return sorted(_registered())
