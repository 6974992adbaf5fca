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
    "decomposed": ["eval", f"{DIABETES}/forest.csv", f"{DIABETES}/target.csv", "--decompose",
                   "--by", "sex", "--by", "bin(age,4)", "--top", "3"],
    "binary_decomposed": ["eval", "sample_data/binary/boosting.csv",
                          "sample_data/binary/target.csv", "--task", "binary", "--decompose",
                          "--top", "3"],
    "multiclass_decomposed": ["eval", "sample_data/multiclass/forest.csv",
                              "sample_data/multiclass/target.csv", "--decompose", "--top", "3",
                              "--by", "name"],
    "sequence_decomposed": ["eval", "sample_data/sequences/readings.csv", "--task", "sequence",
                            "--decompose", "--top", "3"],
    "distribution_decomposed": ["eval", "sample_data/distribution/model.csv",
                                "sample_data/distribution/target.csv", "--task", "distribution",
                                "--decompose", "--top", "3"],
    "boxes_decomposed": ["eval", "sample_data/boxes/model.csv", "sample_data/boxes/target.csv",
                         "--decompose", "--top", "3"],
    "samples": ["samples", f"{DIABETES}/broken.csv", f"{DIABETES}/target.csv",
                "--show", "age,bmi", "--top", "6"],
    "samples_binary": ["samples", "sample_data/binary/logistic.csv",
                       "sample_data/binary/target.csv", "--task", "binary", "--top", "6"],
    "samples_multiclass": ["samples", "sample_data/multiclass/knn.csv",
                           "sample_data/multiclass/target.csv", "--show", "name", "--top", "6"],
    "samples_boxes": ["samples", "sample_data/boxes/model.csv", "sample_data/boxes/target.csv",
                      "--top", "6"],
    "samples_sequence": ["samples", "sample_data/sequences/readings.csv", "--task", "sequence",
                         "--top", "6"],
    "samples_masks": ["samples", "sample_data/masks/model.npy", "sample_data/masks/target.npy",
                      "--top", "6"],
    "samples_outliers": ["samples", f"{DIABETES}/broken.csv", f"{DIABETES}/target.csv",
                         "--outliers", "iqr", "--trim", "1%", "-l", "mae,rmse"],
    "samples_multilabel": ["samples", "sample_data/multilabel/logistic.csv",
                           "sample_data/multilabel/target.csv", "--top", "6"],
    "samples_quantile": ["samples", "sample_data/quantile/quantiles.csv", f"{DIABETES}/target.csv",
                         "--show", "age,bmi", "--top", "6"],
    "samples_ensemble": ["samples", "sample_data/ensemble/members.csv", f"{DIABETES}/target.csv",
                         "--top", "6"],
    "samples_embedding": ["samples", "sample_data/embedding/embedding.npz", "--task", "embedding",
                          "--top", "6"],
    "samples_distribution": ["samples", "sample_data/distribution/model.csv",
                             "sample_data/distribution/target.csv", "--task", "distribution",
                             "--top", "6"],
    "slices": ["slices", "sample_data/multiclass/forest.csv", "sample_data/multiclass/target.csv",
               "--by", "name"],
    "slices_find": ["slices", f"{DIABETES}/forest.csv", f"{DIABETES}/target.csv", "--find"],
    "slices_against": ["slices", f"{DIABETES}/forest.csv", f"{DIABETES}/target.csv",
                       "--by", "bin(bmi,3)", "--against", f"{DIABETES}/ridge.csv"],
    "slices_binary": ["slices", "sample_data/binary/forest.csv", "sample_data/binary/target.csv",
                      "--task", "binary", "--by", "label"],
    "slices_quantile": ["slices", "sample_data/quantile/quantiles.csv", f"{DIABETES}/target.csv",
                        "--by", "bin(bmi,3)", "--by", "sex"],
    "advise": ["advise", f"{DIABETES}/ridge.csv", f"{DIABETES}/target.csv"],
    "advise_broken": ["advise", f"{DIABETES}/broken.csv", f"{DIABETES}/target.csv"],
    "advise_binary": ["advise", "sample_data/binary/forest.csv", "sample_data/binary/target.csv",
                      "--task", "binary"],
    "advise_multiclass": ["advise", "sample_data/multiclass/forest.csv",
                          "sample_data/multiclass/target.csv"],
    "advise_multilabel": ["advise", "sample_data/multilabel/logistic.csv",
                          "sample_data/multilabel/target.csv"],
    "advise_quantile": ["advise", "sample_data/quantile/quantiles.csv", f"{DIABETES}/target.csv"],
    "advise_interval": ["advise", "sample_data/quantile/interval.csv", f"{DIABETES}/target.csv"],
    "inspect": ["inspect", f"{DIABETES}/forest.parquet", f"{DIABETES}/target.csv"],
}  # fmt: skip


# Six models of every task: the first two, the first three, and all are compared.
S = "sample_data"
COMPARED = {
    "regression": (f"{DIABETES}/target.csv", DIABETES,
                   "ridge.csv forest.csv knn.csv models/lasso.csv models/huber.csv "
                   "models/mean.csv"),
    "binary": (f"{S}/binary/target.csv", f"{S}/binary",
               "logistic.csv models/naive_bayes.csv forest.csv boosting.csv "
               "models/calibrated.csv models/prior.csv"),
    "multiclass": (f"{S}/multiclass/target.csv", f"{S}/multiclass",
                   "logistic.csv knn.csv forest.csv models/svm.csv models/lda.csv "
                   "models/prior.csv"),
    "multilabel": (f"{S}/multilabel/target.csv", f"{S}/multilabel",
                   "logistic.csv models/knn.csv models/kernel.csv models/forest.csv "
                   "models/svm.csv models/prior.csv"),
    "distribution": (f"{S}/distribution/target.csv", f"{S}/distribution",
                     "model.csv models/knn.csv models/kernel.csv models/naive_bayes.csv "
                     "models/forest.csv models/prior.csv"),
    "masks": (f"{S}/masks/target.npy", f"{S}/masks",
              "model.npy models/nearest.npy models/boosting.npy models/forest.npy "
              "models/naive_bayes.npy models/prior.npy"),
    "boxes": (f"{S}/boxes/target.csv", f"{S}/boxes",
              "model.csv models/boosting.csv models/histogram.csv models/knn.csv "
              "models/linear.csv models/mean.csv"),
    "sequence": (f"{S}/sequences/readings_target.csv", f"{S}/sequences",
                 "readings.csv models/svm.csv models/knn.csv models/linear.csv "
                 "models/greedy.csv models/constant.csv"),
    "embedding": (f"{S}/embedding/label.csv", f"{S}/embedding",
                  "embedding.npz models/shrunk.npz models/kernel.npz models/network.npz "
                  "models/pca.npz models/random.npz"),
    "quantile": (f"{DIABETES}/target.csv", f"{S}/quantile",
                 "quantiles.csv models/linear.csv models/ridge.csv models/knn.csv "
                 "models/trees.csv models/constant.csv"),
    "interval": (f"{DIABETES}/target.csv", f"{S}/quantile",
                 "interval.csv models/interval/linear.csv models/interval/ridge.csv "
                 "models/interval/knn.csv models/interval/trees.csv models/interval/constant.csv"),
    "ensemble": (f"{DIABETES}/target.csv", f"{S}/ensemble",
                 "members.csv models/few.csv models/bagging.csv models/dressed.csv "
                 "models/knn.csv models/constant.csv"),
}  # fmt: skip
SCREENS |= {
    f"compare_{task}_{count}": ["compare", *[f"{folder}/{file}" for file in files.split()[:count]],
                                "-t", target, "--task", task]
    for task, (target, folder, files) in COMPARED.items()
    for count in (2, 3, 6)
}  # fmt: skip
VISITS = [f"{DIABETES}/visits.csv", "--pred-col", "old,new", "-t", f"{DIABETES}/visits_target.csv"]
PAIR = [f"ridge={DIABETES}/ridge.csv", f"huber={DIABETES}/models/huber.csv",
        "-t", f"{DIABETES}/target.csv"]  # fmt: skip
SCREENS |= {
    "compare_broken": ["compare", f"{DIABETES}/ridge.csv", f"{DIABETES}/broken.csv",
                       "-t", f"{DIABETES}/target.csv"],
    "compare_visits": ["compare", *VISITS],
    "compare_cluster": ["compare", *VISITS, "--cluster", "patient"],
    "compare_time": ["compare", *VISITS, "--time", "day"],
    "compare_gaps": ["compare", f"ridge={DIABETES}/ridge.csv", f"gaps={DIABETES}/gaps.csv",
                     "-t", f"{DIABETES}/target.csv", "--on", "id", "--missing", "drop",
                     "--nan", "drop"],
    "compare_groups": ["compare", *PAIR, "-l", "mae,mse", "--by", "sex", "--by", "bin(age,3)",
                       "--sweep", "huber:delta=1..200"],
    "compare_curves": ["compare", *PAIR, "-l", "mae", "--curves", "--sweep",
                       "pinball:quantile=0.1..0.9"],
    "compare_identical": ["compare", f"a={DIABETES}/ridge.csv", f"b={DIABETES}/ridge.parquet",
                          "-t", f"{DIABETES}/target.csv"],
    "samples_pair": ["samples", *PAIR, "--show", "age", "--top", "6"],
    "samples_three": ["samples", f"{S}/multiclass/logistic.csv", f"{S}/multiclass/knn.csv",
                      f"{S}/multiclass/forest.csv", "-t", f"{S}/multiclass/target.csv",
                      "--task", "multiclass", "--top", "6"],
}  # fmt: skip


RIDGE = [f"{DIABETES}/ridge.csv", f"{DIABETES}/target.csv"]
FOREST = [f"{DIABETES}/forest.csv", f"{DIABETES}/target.csv"]
BROKEN = [f"{DIABETES}/broken.csv", f"{DIABETES}/target.csv"]
OVER = ["--baseline", f"{DIABETES}/ridge.csv"]
CHECKED = {  # and the status
    "met": ([*RIDGE, "--max", "rmse=58", "--min", "r2=0.4", "--min-samples", "400"], 0),
    "violated": ([*BROKEN, "--max", "rmse=60", "--max-row-loss", "mae=160", "--min", "r2=0.4",
                  "--warn-max", "mae=50", "--require", "p95(mae) < 120"], 1),
    "undecided": ([*FOREST, *OVER, "--max-increase", "mae=2%", "--max", "rmse=60"], 4),
    "close": ([*RIDGE, "--max", "rmse=54.7324"], 1),
    "several": ([*FOREST, *OVER, "--max-increase", "mae=2%", "--max-increase", "rmse=12%",
                 "--max-increase", "r2=0.05", "--max-increase", "bias=1", "--max-increase",
                 "median_ae=1%", "--max-regressed-rows", "50%"], 4),
    "broken": ([*BROKEN, *OVER, "--max-increase", "rmse=10%", "--max-regressed-rows", "2"], 4),
    "slices": ([*RIDGE, "--max", "rmse@sex=1=50", "--max", "mae@age>=50&sex=2=50",
                "--max", "mae@sex=3=50", "--warn-min", "r2@age<40=0.6"], 4),
    "missing": ([*RIDGE, "--baseline", "nowhere.state", "--max-increase", "mae=2%"], 4),
    "allowed": ([*FOREST, *OVER, "--max-increase", "mae=2%", "--allow-undecided"], 0),
    "strict": ([*FOREST, *OVER, "--max-increase", "mae=8%", "--strict"], 4),
    "naive": ([*FOREST, *OVER, "--max-increase", "mae=2%", "--naive"], 1),
    "self_test": ([*FOREST, *OVER, "--max-increase", "mae=12%", "--max", "rmse=60", "--max",
                   "mae=1e6", "--self-test"], 1),
    "suggest": ([*FOREST, *OVER, "--suggest"], 0),
    "multiclass": ([f"{S}/multiclass/forest.csv", f"{S}/multiclass/target.csv", "--baseline",
                    f"{S}/multiclass/knn.csv", "--max-increase", "scce=5%", "--max-increase",
                    "zero_one=1%", "--max-regressed-rows", "zero_one=20"], 4),
    "boxes": ([f"{S}/boxes/model.csv", f"{S}/boxes/target.csv", "--max", "giou=0.3",
               "--require", "p95(iou_loss) < 0.5"], 1),
    "sequence": ([f"{S}/sequences/readings.csv", "--task", "sequence", "--max", "wer=5%",
                  "--max", "cer=5%"], 1),
}  # fmt: skip
SCREENS |= {f"check_{name}": ["check", *words] for name, (words, _) in CHECKED.items()}
STATUS = {f"check_{name}": status for name, (_, status) in CHECKED.items()}


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(name, columns, capfd, monkeypatch, request):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*SCREENS[name], "-f", "table"]) == STATUS.get(name, 0)
    shown = capfd.readouterr().out
    assert max(width(line) for line in shown.splitlines()) <= columns
    golden = GOLDEN / f"{name}-{columns}.txt"
    if request.config.getoption("--rewrite"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")
