"""The sample data of each task mean what their README says, and have the numbers that it prints."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from tests.samples import SAMPLES, jsonl, load, parquet, read_csv, table

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def test_probabilities_are_those_of_the_logits() -> None:
    logit = table("binary/logistic_logits")[:, 0]
    assert np.allclose(load("binary/logistic"), 1 / (1 + np.exp(-logit)), rtol=1e-14, atol=0)
    logits = load("masks/model_logits")
    assert np.allclose(load("masks/model"), 1 / (1 + np.exp(-logits)), rtol=1e-14, atol=0)
    grown = np.exp(load("multiclass/logistic_logits"))
    shares = grown / grown.sum(axis=1, keepdims=True)
    assert np.allclose(load("multiclass/logistic"), shares, rtol=1e-13, atol=0)


def test_targets_are_those_that_scikit_learn_carries() -> None:
    digits, cancer = load_digits(), load_breast_cancer()
    assert load("binary/target").tolist() == (1 - cancer.target).tolist()
    for folder, labels in (("multiclass/target", "label"), ("embedding/label", "label")):
        columns = read_csv(SAMPLES / f"{folder}.csv")
        places = [int(key[1:]) for key in columns["id"]]
        assert columns[labels] == [str(digit) for digit in digits.target[places]]
    places = [int(key[1:]) for key in parquet("masks/target")["id"]]
    assert np.array_equal(load("masks/target"), digits.images[places] >= 8)


def test_labels_and_names_agree() -> None:
    binary = read_csv(SAMPLES / "binary" / "target.csv")
    assert {*zip(binary["label"], binary["target"], strict=True)} == {
        ("malignant", "1"),
        ("benign", "0"),
    }
    target = read_csv(SAMPLES / "multiclass" / "target.csv")
    predicted = read_csv(SAMPLES / "multiclass" / "predicted.csv")
    assert target["name"] == [NAMES[int(label)] for label in target["label"]]
    assert predicted["label"] == [NAMES[int(digit)] for digit in predicted["digit"]]
    best = table("multiclass/logistic").argmax(axis=1)
    assert predicted["digit"] == [str(digit) for digit in best]
    has = {"even": "02468", "prime": "2357", "loop": "0689", "big": "56789"}
    properties = read_csv(SAMPLES / "multilabel" / "target.csv")
    assert properties["id"] == target["id"]
    for name, digits in has.items():
        assert properties[name] == [str(int(label in digits)) for label in target["label"]]


def test_soft_targets_are_shares_of_25_neighbours() -> None:
    q = load("distribution/target")
    assert np.array_equal(np.rint(q * 25) / 25, q)
    assert 0 < np.count_nonzero(q.max(axis=1) == 1) < len(q)


def test_boxes_are_valid_in_every_form() -> None:
    target, model = load("boxes/target"), load("boxes/model")
    for box in (target, model):
        assert (box[:, :2] < box[:, 2:]).all()
        assert box.min() >= 0
        assert box.max() <= 32
    sizes = table("boxes/model_xywh")
    assert np.array_equal(np.hstack([sizes[:, :2], sizes[:, :2] + sizes[:, 2:]]), model)


def test_readings_are_texts_and_the_tokens_say_the_same() -> None:
    table = read_csv(SAMPLES / "sequences" / "readings.csv")
    rows = jsonl("sequences/readings")
    assert [[row[name] for row in rows] for name in table] == list(table.values())
    words = dict(zip("abcdefghij", NAMES, strict=True))
    for row, tokens in zip(rows, jsonl("sequences/tokens"), strict=True):
        assert re.fullmatch(r"[a-j]{3,8}", row["target"])
        assert re.fullmatch(r"[a-j]+", row["pred"])
        for role in ("pred", "target"):
            assert tokens[role] == [words[letter] for letter in row[role]]
    longer = [len(row["pred"]) - len(row["target"]) for row in rows]
    assert min(longer) < 0 < max(longer)


def test_ctc_targets_fit_and_past_the_end_there_are_blanks() -> None:
    truth = jsonl("sequences/ctc_target")
    assert parquet("sequences/ctc")["target"] == [row["target"] for row in truth]
    assert [row["target"] for row in jsonl("sequences/ctc")] == [row["target"] for row in truth]
    for row, logits in zip(truth, load("sequences/ctc_logits"), strict=True):
        target, length = row["target"], row["input_length"]
        repeats = sum(a == b for a, b in itertools.pairwise(target))
        assert set(target) <= set(range(1, 11))
        assert len(target) + repeats <= length <= 20
        assert np.allclose(np.exp(logits).sum(axis=1), 1, rtol=0, atol=1e-4)
        assert (logits[length:] == [0.0] + [-100.0] * 10).all()
        assert (logits[:length, 1:] > -100).all()


def test_embeddings_and_what_is_compared_to_them() -> None:
    names = ["embeddings", "label", "logits", "centers", "class_vectors"]
    vectors, label, logits, _, rows = (load(f"embedding/{name}") for name in names)
    assert np.allclose(logits, (vectors[:, None, :] * rows).sum(axis=2), rtol=1e-12, atol=1e-12)
    with np.load(SAMPLES / "embedding" / "embedding.npz", allow_pickle=False) as archive:
        assert sorted(archive) == sorted(names)
        for name in names:
            assert archive[name].astype(float).tobytes() == load(f"embedding/{name}").tobytes()
    classes = {tuple(vector): digit for vector, digit in zip(vectors.tolist(), label, strict=True)}
    assert len(classes) == len(vectors)

    def digits(name: str) -> list[float]:
        return [classes[tuple(vector)] for vector in load(f"embedding/{name}").tolist()]

    assert digits("anchor") == digits("left") == digits("positive") == label.tolist()
    assert not np.any(np.array(digits("negative")) == label)
    assert np.array_equal(np.array(digits("right")) == label, load("embedding/same"))
    assert not (load("embedding/anchor") == load("embedding/positive")).all(axis=1).any()
    assert load("embedding/nll").min() > 0


def test_quantiles_never_cross() -> None:
    interval, quantiles = table("quantile/interval"), table("quantile/quantiles")
    rows = np.column_stack([interval[:, 0], quantiles, interval[:, 1]])
    assert (np.diff(rows, axis=1) >= 0).all()
    assert (interval[:, 0] < interval[:, 1]).all()


def test_normal_distributions_of_the_patients() -> None:
    members, normal = load("ensemble/members"), table("ensemble/gaussian_trees")
    assert np.allclose(normal[:, 0], members.mean(axis=1), rtol=1e-5, atol=0)
    assert np.allclose(normal[:, 1], members.std(axis=1, ddof=1), rtol=1e-5, atol=0)
    assert table("ensemble/gaussian")[:, 1].min() > 0


def test_the_training_series_is_the_formula() -> None:
    t = np.arange(60)
    wave = 40 * np.sin(2 * np.pi * t / 12) + 10 * np.cos(t * t)
    assert np.abs(load("structural/train") - (150 + t / 2 + wave)).max() <= 0.05 + 1e-9


def test_grades_have_equal_counts_and_follow_the_progression() -> None:
    grades = read_csv(SAMPLES / "multiclass" / "ordinal.csv")
    label = np.array(grades["label"], int)
    target, ridge = load("diabetes/target"), load("diabetes/ridge")
    assert grades["id"] == read_csv(SAMPLES / "diabetes" / "target.csv")["id"]
    assert np.bincount(label).tolist() == [87, 89, 88, 88, 90]
    for grade in range(4):
        edge = target[label == grade + 1].min()
        assert target[label <= grade].max() < edge
        above = np.array(grades["pred"], int) > grade
        assert ridge[above].min() > target[label <= grade].max()
        assert ridge[~above].max() < edge


# --- the numbers of the README -------------------------------------------------------------------

README = " ".join((SAMPLES / "README.md").read_text(encoding="utf-8").split())
EPS = float(np.finfo(np.float64).eps)


def stated(*cells: str) -> None:
    """The README has this row of a table, or this sentence."""
    row = f"| {' | '.join(cells)} |" if len(cells) > 1 else cells[0]
    assert row in README, row


def percent(hits: npt.NDArray[np.bool_]) -> str:
    return f"{100 * hits.mean():.1f} %"


TUMOURS = ["logistic", "boosting", "forest", "models/calibrated", "models/naive_bayes",
           "models/prior"]  # fmt: skip
LABELS = ["logistic", *(f"models/{name}" for name in ("kernel", "forest", "svm", "knn", "prior"))]
SHARES = ["model", *(f"models/{name}" for name in ("kernel", "naive_bayes", "knn", "forest",
                                                   "prior"))]  # fmt: skip
INK = ["model", *(f"models/{name}" for name in ("boosting", "forest", "naive_bayes", "nearest",
                                                "prior"))]  # fmt: skip
BOXES = ["model", *(f"models/{name}" for name in ("boosting", "histogram", "knn", "linear",
                                                  "mean"))]  # fmt: skip
READERS = ["readings", *(f"models/{name}" for name in ("svm", "knn", "linear", "greedy",
                                                       "constant"))]  # fmt: skip
LEVELS = ["linear", "ridge", "knn", "trees", "constant"]
ENSEMBLES = ["members", *(f"models/{name}" for name in ("bagging", "dressed", "knn", "few",
                                                        "constant"))]  # fmt: skip
NORMALS = ["gaussian", "gaussian_trees", *(f"models/gaussian/{name}" for name in (
    "bagging", "dressed", "knn", "constant"))]  # fmt: skip


@pytest.mark.parametrize("model", ["lasso", "huber", "mean"])
def test_regression_numbers(model: str) -> None:
    target, pred = load("diabetes/target"), table(f"diabetes/models/{model}")[:, 0]
    off = pred - target
    square, part = np.mean(off**2), np.mean(off**2) / np.var(target)
    mae = f"{np.mean(np.abs(off)):.2f}"
    stated(f"models/{model}", mae, f"{square**0.5:.2f}", f"{square:.0f}", f"{1 - part:.3f}")


def test_a_model_that_leaves_out_hard_rows_looks_better() -> None:
    said = read_csv(SAMPLES / "diabetes" / "gaps.csv")
    kept = {key: float(text) for key, text in zip(*said.values(), strict=True) if text}
    ids = read_csv(SAMPLES / "diabetes" / "target.csv")["id"]
    rows = [ids.index(key) for key in kept]
    target, ridge = load("diabetes/target"), load("diabetes/ridge")
    own = np.mean(np.abs(np.array([*kept.values()]) - target[rows]))
    there = np.mean(np.abs(ridge - target)[rows])
    stated(f"MAE {own:.2f} on its {len(rows)} rows, where ridge has {there:.2f}")


@pytest.mark.parametrize("model", TUMOURS)
def test_binary_numbers(model: str) -> None:
    target, p = load("binary/target"), table(f"binary/{model}")[:, 0]
    true = np.where(target == 1, p, 1 - p)
    loss = -np.log(np.maximum(true, EPS)).mean()
    brier = ((p - target) ** 2).mean()
    if model == "forest":
        alone = -math.log(EPS) / len(p)
        stated(f"costs the forest {alone:.4f} of its {loss:.4f}.")
    sure = f"{np.count_nonzero((p == 0) | (p == 1))} ({np.count_nonzero(true == 0)})"
    stated(f"`{model}`", percent((p >= 0.5) == target), f"{loss:.4f}", f"{brier:.4f}", sure)


def test_margin_numbers() -> None:
    target, score = load("binary/target"), table("binary/svm")[:, 0]
    hinge = np.maximum(0, 1 - np.where(target == 1, score, -score)).mean()
    stated(f"`svm`: {percent((score > 0) == target)} right, mean hinge loss {hinge:.4f}.")


@pytest.mark.parametrize(
    "model", ["logistic", "forest", "knn", "models/svm", "models/lda", "models/prior"]
)
def test_multiclass_numbers(model: str) -> None:
    label, p = load("multiclass/target").astype(int), table(f"multiclass/{model}")
    true = p[np.arange(len(p)), label]
    loss = -np.log(np.maximum(true, EPS)).mean()
    brier = ((p - np.eye(10)[label]) ** 2).sum(axis=1).mean()
    zero, one = np.count_nonzero(true == 0), np.count_nonzero(true == 1)
    right = percent(p.argmax(axis=1) == label)
    stated(f"`{model}`", right, f"{loss:.4f}", f"{brier:.4f}", str(zero), str(one))


def test_ordinal_numbers() -> None:
    grades = read_csv(SAMPLES / "multiclass" / "ordinal.csv")
    pred, label = (np.array(grades[name], int) for name in ("pred", "label"))
    off = (pred - label) ** 2
    # Every prediction against every label is what chance would give.
    kappa = 1 - off.mean() / ((pred[:, None] - label) ** 2).mean()
    stated(f"The grades agree for {percent(off == 0)}; quadratic weighted kappa {kappa:.4f}.")


def test_multilabel_numbers() -> None:
    target, p = load("multilabel/target"), load("multilabel/logistic")
    loss = -np.log(np.where(target == 1, p, 1 - p)).mean(axis=0)
    for place, name in enumerate(["even", "prime", "loop", "big"]):
        right = percent((p[:, place] >= 0.5) == target[:, place])
        stated(f"`{name}`", percent(target[:, place] == 1), right, f"{loss[place]:.4f}")


@pytest.mark.parametrize("model", LABELS)
def test_numbers_of_all_labels(model: str) -> None:
    target, p = load("multilabel/target"), table(f"multilabel/{model}")
    loss = -np.log(np.where(target == 1, p, 1 - p)).mean()
    off = (p > 0.5) != (target == 1)
    right = percent(~off.any(axis=1))
    stated(f"`{model}`", right, f"{loss:.4f}", f"{off.mean():.4f}")


@pytest.mark.parametrize("model", SHARES)
def test_divergences(model: str) -> None:
    q, p = load("distribution/target"), table(f"distribution/{model}")
    inner, middle = np.where(q > 0, q, 1), (p + q) / 2
    kl = (q * np.log(inner / p)).sum(axis=1).mean()
    js = (q * np.log(inner / middle) + p * np.log(p / middle)).sum(axis=1).mean() / 2
    stated(f"`{model}`", f"{kl:.4f}", f"{js:.4f}")


def test_distribution_numbers() -> None:
    q, p = load("distribution/target"), load("distribution/model")
    inner = np.where(q > 0, q, 1)
    divergence = (q * np.log(inner / p)).sum(axis=1).mean()
    entropy = -(q * np.log(inner)).sum(axis=1).mean()
    stated(f"Mean divergence KL(q ‖ p) {divergence:.4f} nats; mean entropy of q {entropy:.4f}.")


def test_mask_numbers() -> None:
    target, p = load("masks/target").reshape(120, -1), load("masks/model").reshape(120, -1)
    pred = p >= 0.5
    iou = ((pred & (target == 1)).sum(axis=1) / (pred | (target == 1)).sum(axis=1)).mean()
    dice = 1 - (2 * (p * target).sum(axis=1) / (p.sum(axis=1) + target.sum(axis=1))).mean()
    stated(f"Ink covers {percent(target == 1)}; {percent(pred == target)} of the pixels are right")
    stated(f"mean intersection over union {iou:.4f} at p ≥ 0.5, mean soft Dice loss {dice:.4f}.")


@pytest.mark.parametrize("model", INK)
def test_numbers_of_all_masks(model: str) -> None:
    target, p = load("masks/target").reshape(120, -1), load(f"masks/{model}").reshape(120, -1)
    dice = 1 - (2 * (p * target).sum(axis=1) / (p.sum(axis=1) + target.sum(axis=1))).mean()
    stated(f"`{model}`", percent((p >= 0.5) == target), f"{dice:.4f}")


@pytest.mark.parametrize("name", BOXES)
def test_box_numbers(name: str) -> None:
    model, target = table(f"boxes/{name}"), load("boxes/target")
    assert (model[:, :2] < model[:, 2:]).all()
    sides = np.minimum(model[:, 2:], target[:, 2:]) - np.maximum(model[:, :2], target[:, :2])
    both = np.maximum(sides, 0).prod(axis=1)
    union = sum((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (model, target)) - both
    hull = np.maximum(model[:, 2:], target[:, 2:]) - np.minimum(model[:, :2], target[:, :2])
    iou, apart = both / union, np.count_nonzero(both == 0)
    loss = 1 - iou + 1 - union / hull.prod(axis=1)
    stated(f"`{name}`", f"{iou.mean():.4f}", f"{loss.mean():.4f}", str(apart))
    if name == "model":
        stated(f"Mean intersection over union {iou.mean():.4f}; {apart} pairs do not touch.")


def edits(pred: str, target: str) -> int:
    """Levenshtein's distance, row by row."""
    row = list(range(len(target) + 1))
    for i, a in enumerate(pred):
        best = [i + 1]
        for j, b in enumerate(target):
            best.append(min(row[j] + (a != b), row[j + 1] + 1, best[j] + 1))
        row = best
    return row[-1]


def test_reading_numbers() -> None:
    rows = jsonl("sequences/readings")
    found = [edits(row["pred"], row["target"]) for row in rows]
    read, true = (sum(len(row[name]) for row in rows) for name in ("pred", "target"))
    stated(f"{found.count(0)} of 200 strings are read right; {sum(found)} edits over {true} digits")
    stated(f"({100 * sum(found) / true:.1f} %); {read} digits were read.")


@pytest.mark.parametrize("model", READERS)
def test_numbers_of_all_readers(model: str) -> None:
    target = read_csv(SAMPLES / "sequences" / "readings_target.csv")
    pred = read_csv(SAMPLES / "sequences" / f"{model}.csv")
    assert target["target"] == [row["target"] for row in jsonl("sequences/readings")]
    assert target["id"] == pred["id"]
    found = [edits(*pair) for pair in zip(pred["pred"], target["target"], strict=True)]
    digits = sum(map(len, target["target"]))
    right = str(found.count(0))
    stated(f"`{model}`", right, str(sum(found)), f"{100 * sum(found) / digits:.1f} %")


def ctc(logits: npt.NDArray[np.float64], target: list[int]) -> float:
    """-ln of the total probability of all paths that read as `target`, forward."""
    scores = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    states = [0, *itertools.chain.from_iterable((label, 0) for label in target)]
    reach = np.full(len(states), -np.inf)
    reach[:2] = scores[0, states[:2]]
    for step in scores[1:]:
        ways = reach.copy()
        ways[1:] = np.logaddexp(ways[1:], reach[:-1])
        for at in range(3, len(states), 2):
            if states[at] != states[at - 2]:
                ways[at] = np.logaddexp(ways[at], reach[at - 2])
        reach = ways + step[states]
    return float(-np.logaddexp(reach[-1], reach[-2]))


def test_ctc_numbers() -> None:
    truth, logits = jsonl("sequences/ctc_target"), load("sequences/ctc_logits")
    rows = list(zip(logits, truth, strict=True))
    cut = [ctc(z[: row["input_length"]], row["target"]) for z, row in rows]
    whole = [ctc(z, row["target"]) for z, row in rows]
    assert np.allclose(cut, whole, rtol=1e-12, atol=0)
    stated(f"CTC loss: mean {np.mean(cut):.4f} nats, from {min(cut):.4f} to {max(cut):.4f}")


def test_embedding_numbers() -> None:
    names = ["embeddings", "label", "logits", "centers", "nll"]
    vectors, label, logits, centers, nll = (load(f"embedding/{name}") for name in names)
    digit = label.astype(int)
    loss = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(300), digit]
    center = ((vectors - centers[digit]) ** 2).sum(axis=1).mean() / 2
    stated("softmax loss of `logits`", f"{loss.mean():.4f}")
    stated("accuracy of `logits`", percent(logits.argmax(axis=1) == digit))
    stated("center loss (half the squared distance)", f"{center:.4f}")
    stated("bits per dimension of `nll`", f"{nll.mean() / 8 / np.log(2):.4f}")


@pytest.mark.parametrize("model", ["embedding", *(f"models/{name}" for name in (
    "shrunk", "kernel", "network", "pca", "random"))])  # fmt: skip
def test_numbers_of_all_embeddings(model: str) -> None:
    with np.load(SAMPLES / "embedding" / f"{model}.npz", allow_pickle=False) as archive:
        vectors, centers, rows = (archive[n] for n in ("embeddings", "centers", "class_vectors"))
    label = load("embedding/label").astype(int)
    center = ((vectors - centers[label]) ** 2).sum(axis=1).mean() / 2
    right = percent((vectors @ rows.T).argmax(axis=1) == label)
    stated(f"`{model}`", right, f"{center:.4f}")


def test_comparison_numbers() -> None:
    def apart(one: str, other: str) -> npt.NDArray[np.float64]:
        return np.asarray(
            np.linalg.norm(load(f"embedding/{one}") - load(f"embedding/{other}"), axis=1)
        )

    same, distance = load("embedding/same"), apart("left", "right")
    pairs = np.where(same == 1, distance**2, np.maximum(0, 1 - distance) ** 2).mean() / 2
    triplets = np.maximum(0, apart("anchor", "positive") - apart("anchor", "negative") + 1)
    stated("triplet loss, margin 1", f"{triplets.mean():.4f}")
    stated("triplets within the margin", str(np.count_nonzero(triplets)))
    stated("contrastive loss, margin 1", f"{pairs:.4f}")
    stated("pairs of one class", str(np.count_nonzero(same)))


def test_quantile_numbers() -> None:
    target, interval = load("diabetes/target"), table("quantile/interval")
    for level, column in zip(("0.1", "0.5", "0.9"), table("quantile/quantiles").T, strict=True):
        off = target - column
        loss = np.maximum(float(level) * off, (float(level) - 1) * off).mean()
        stated(f"`q_{level}`", percent(target <= column), f"{loss:.2f}")
    inside = (interval[:, 0] <= target) & (target <= interval[:, 1])
    width = (interval[:, 1] - interval[:, 0]).mean()
    stated(f"The interval holds {percent(inside)} of the targets; mean width {width:.1f}.")


@pytest.mark.parametrize("model", ["quantiles", *(f"models/{name}" for name in LEVELS)])
def test_numbers_of_all_quantiles(model: str) -> None:
    target, found = load("diabetes/target")[:, None], table(f"quantile/{model}")
    levels, off = np.array([0.1, 0.5, 0.9]), target - found
    assert (np.diff(found, axis=1) >= 0).all()
    stated(f"`{model}`", f"{np.maximum(levels * off, (levels - 1) * off).mean():.2f}")


@pytest.mark.parametrize("model", ["interval", *(f"models/interval/{name}" for name in LEVELS)])
def test_numbers_of_all_intervals(model: str) -> None:
    target, (lower, upper) = load("diabetes/target"), table(f"quantile/{model}").T
    width = upper - lower
    outside = np.maximum(lower - target, 0) + np.maximum(target - upper, 0)
    held = percent((lower <= target) & (target <= upper))
    stated(f"`{model}`", held, f"{width.mean():.1f}", f"{(width + outside * 2 / 0.1).mean():.1f}")


@pytest.mark.parametrize("model", ENSEMBLES)
def test_ensemble_numbers(model: str) -> None:
    target, members = load("diabetes/target"), table(f"ensemble/{model}")
    near = np.abs(members - target[:, None]).mean(axis=1)
    spread = np.abs(members[:, :, None] - members[:, None]).mean(axis=(1, 2))
    count = members.shape[1]
    fair = near - spread / 2 * count / (count - 1)
    stated(f"`{model}`", f"{(near - spread / 2).mean():.2f}", f"{fair.mean():.2f}")


@pytest.mark.parametrize("model", NORMALS)
def test_numbers_of_all_normals(model: str) -> None:
    target, (mean, scale) = load("diabetes/target"), table(f"ensemble/{model}").T
    z = (target - mean) / scale
    below = np.array([math.erf(one / math.sqrt(2)) for one in z])
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    crps = scale * (z * below + 2 * density - 1 / math.sqrt(math.pi))
    nll = np.log(scale) + z**2 / 2
    stated(f"`{model}`", f"{crps.mean():.2f}", f"{nll.mean():.4f}")


def test_structural_numbers() -> None:
    parameters, train = load("structural/parameters"), load("structural/train")
    naive = [np.abs(train[m:] - train[:-m]).mean() for m in (1, 12)]
    stated(f"The squares of the parameters add up to {(parameters**2).sum():.0f}.")
    stated(f"it errs by {naive[0]:.3f} on average one step on, {naive[1]:.3f} twelve steps on.")
