"""Golden transcripts of the screens; `pytest tests/test_screens.py --rewrite` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from lossctl.cli import run
from lossctl.renderers.typeset import width

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
DIABETES = "sample_data/diabetes"
DIGITS = "zero,one,two,three,four,five,six,seven,eight,nine"
SCREENS = {
    "ridge": ["eval", f"{DIABETES}/ridge.csv", f"{DIABETES}/target.csv"],
    "broken": ["eval", f"{DIABETES}/broken.csv", f"{DIABETES}/target.csv"],
    "forest_by_id": ["eval", f"{DIABETES}/forest.parquet", f"{DIABETES}/target.csv", "--on", "id",
                     "-l", "mae,huber:delta=20,pinball:quantile=0.9,r2", "--top", "4"],
    "older": ["eval", f"{DIABETES}/knn.csv", f"{DIABETES}/target.csv", "--where", "age >= 70"],
    "pair": ["eval", "sample_data/tiny/pair_pred.csv", "sample_data/tiny/pair_target.csv"],
    "outlier": ["eval", "sample_data/tiny/outliers_one_pred.csv",
                "sample_data/tiny/outliers_one_target.csv"],
    "binary": ["eval", "sample_data/binary/forest.csv", "sample_data/binary/target.csv",
               "--task", "binary"],
    "multiclass": ["eval", "sample_data/multiclass/knn.csv", "sample_data/multiclass/target.csv",
                   "--target-col", "name", "--labels", DIGITS],
    "multilabel": ["eval", "sample_data/multilabel/logistic.csv",
                   "sample_data/multilabel/target.csv"],
    "quantile": ["eval", "sample_data/quantile/quantiles.csv", f"{DIABETES}/target.csv"],
    "masks": ["eval", "sample_data/masks/model.npy", "sample_data/masks/target.npy"],
    "boxes": ["eval", "sample_data/boxes/model.csv", "sample_data/boxes/target.csv"],
    "sequence": ["eval", "sample_data/sequences/readings.csv", "--task", "sequence"],
    "embedding": ["eval", "sample_data/embedding/embedding.npz", "--task", "embedding"],
    "inspect": ["inspect", f"{DIABETES}/forest.parquet", f"{DIABETES}/target.csv"],
}  # fmt: skip


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(name, columns, capfd, monkeypatch, request):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*SCREENS[name], "-f", "table"]) == 0
    shown = capfd.readouterr().out
    assert max(width(line) for line in shown.splitlines()) <= columns
    golden = GOLDEN / f"{name}-{columns}.txt"
    if request.config.getoption("--rewrite"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")
