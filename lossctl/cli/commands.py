"""Every command, by name; each imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable

from lossctl.cli.advise import advise
from lossctl.cli.baseline import baseline
from lossctl.cli.check import check
from lossctl.cli.compare import compare
from lossctl.cli.eval import evaluate
from lossctl.cli.explain import explain
from lossctl.cli.inspect import inspect
from lossctl.cli.losses import losses
from lossctl.cli.merge import merge
from lossctl.cli.samples import samples
from lossctl.cli.slices import slices

COMMANDS: dict[str, Callable[..., int]] = {
    "eval": evaluate,
    "compare": compare,
    "check": check,
    "baseline": baseline,
    "merge": merge,
    "samples": samples,
    "slices": slices,
    "advise": advise,
    "inspect": inspect,
    "losses": losses,
    "explain": explain,
}
