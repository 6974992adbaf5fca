"""A simulated panel: patients who come several times, and two models that err alike each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.tables import Floats, rounded, write_csv

PATIENTS, DAYS = 60, 180
FEWEST, MOST = 4, 8
# How much of an error is the patient's own, drifts from visit to visit, follows the day, is noise.
OWN, DRIFT, DAY, NOISE = 4.0, 4.0, {"old": 5.0, "new": 1.0}, 4.0


def wandering(steps: int, kept: float, generator: np.random.Generator) -> Floats:
    """A series (steps,) of variance 1 that keeps `kept` of its last value."""
    values = generator.normal(size=steps)
    for step in range(1, steps):
        values[step] = kept * values[step - 1] + np.sqrt(1 - kept**2) * values[step]
    return values


def visits(folder: Path) -> None:
    """60 patients of 4 to 8 visits each: what is measured, and what two models say."""
    generator = np.random.default_rng(5)
    season = wandering(DAYS, 0.97, generator)
    rows: list[tuple[str, int, float, float, float]] = []
    for number in range(PATIENTS):
        count = int(generator.integers(FEWEST, MOST + 1))
        days = np.sort(generator.choice(DAYS, count, replace=False))
        level, slope = generator.normal(150.0, 35.0), generator.normal(0.05, 0.05)
        target = level + slope * days + generator.normal(0.0, 4.0, count)
        own = generator.normal(size=2)
        drift = DRIFT * wandering(count, 0.7, generator)
        pred = [
            target
            + OWN * one
            + drift
            + weight * season[days]
            + NOISE * generator.normal(size=count)
            for one, weight in zip(own, DAY.values(), strict=True)
        ]
        values = rounded([target, *pred])
        patient = [f"v{number:02d}"] * count
        rows += zip(patient, days.tolist(), *values.tolist(), strict=True)
    patient, day, target, old, new = (list(column) for column in zip(*rows, strict=True))
    write_csv(folder / "visits", {"patient": patient, "day": day, "old": old, "new": new})
    write_csv(folder / "visits_target", {"patient": patient, "day": day, "target": target})
