"""`lossctl advise`: which loss fits, and what to do about the model."""

from __future__ import annotations

from lossctl.cli.scored import Given, scored

# Advice is about the data, and looks at the losses that fit them by itself.
LOSSES = (
    "loss",
    "like",
    "reduction",
    "multioutput",
    "class_weight",
    "boxes",
    "layout",
    "precision",
)


@scored(without=LOSSES)
def advise(given: Given) -> int:
    """Say which loss fits these residuals or probabilities, what would make them better (a shift,
    a scale, a temperature) by how much, and which labels look wrong; each with its evidence."""
    from lossctl.run import advise_plan

    return given.run(advise_plan, full=False)
