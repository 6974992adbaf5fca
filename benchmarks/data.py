"""Makes `pred.npy` and `target.npy` of ROWS float64 values in FOLDER: FOLDER ROWS.

Targets are positive and skewed, errors Gaussian but for one in a thousand, which is ten times
wider. The same rows come first whatever ROWS is.
"""

import sys
from pathlib import Path

import numpy as np

BLOCK = 1 << 20


def main(folder: Path, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = folder / "pred.npy", folder / "target.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (rows,)}
    with names[0].open("wb") as pred, names[1].open("wb") as target:
        for file in (pred, target):
            np.lib.format.write_array_header_1_0(file, header)
        for block, start in enumerate(range(0, rows, BLOCK)):
            random = np.random.default_rng([2026, block])
            truth = 1.0 + random.gamma(2.0, 50.0, BLOCK)
            wide = np.where(random.random(BLOCK) < 0.001, 200.0, 20.0)
            guess = truth + wide * random.standard_normal(BLOCK)
            count = min(BLOCK, rows - start)
            pred.write(guess[:count].tobytes())
            target.write(truth[:count].tobytes())


main(Path(sys.argv[1]), int(sys.argv[2]))
