"""PyTorch, which computes in the dtype of its tensors: float64 here."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers import data as make
from tests.peers.pair import LOGARITHMS, LOGITS, Data, Pair, Told

SUM = {"reduction": "sum"}
WEIGHTED = ({"weight": True}, {"weight": True, "reduction": "sum"})


def tensor(values: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values))


def named(told: Told, **renamed: str) -> Told:
    """Settings of ours under torch's names, those without one left out."""
    return {renamed.get(name, name): value for name, value in told.items()
            if name not in ("weight", "class_weight", "from_logits")}  # fmt: skip


def functional(name: str, **renamed: str) -> Any:
    """torch.nn.functional's function of predictions and targets, and perhaps sample weights."""

    def call(data: Data, told: Told) -> Any:
        import torch

        extra = {"weight": tensor(data["weight"])} if "weight" in data else {}
        function = getattr(torch.nn.functional, name)
        return function(tensor(data["pred"]), tensor(data["target"]), **named(told, **renamed),
                        **extra)  # fmt: skip

    return call


def module(name: str, *roles: str, **renamed: str) -> Any:
    """A loss module of torch.nn, called with the roles in order."""

    def call(data: Data, told: Told) -> Any:
        import torch

        loss = getattr(torch.nn, name)(**named(told, **renamed))
        return loss(*(tensor(data[role]) for role in roles))

    return call


def weighted_logits(data: Data, told: Told) -> Any:
    import torch

    told = named(told)
    if "pos_weight" in told:
        told["pos_weight"] = torch.tensor(told["pos_weight"], dtype=torch.float64)
    if "weight" in data:
        told["weight"] = tensor(data["weight"])
    return torch.nn.BCEWithLogitsLoss(**told)(tensor(data["pred"]), tensor(data["target"]))


def cross_entropy(data: Data, told: Told) -> Any:
    import torch

    told = named(told)
    if "class_weight" in data:
        told["weight"] = tensor(data["class_weight"])
    truth = data["label"] if "label" in data else data["target"]
    return torch.nn.CrossEntropyLoss(**told)(tensor(data["pred"]), tensor(truth))


def multi_margin(data: Data, told: Told) -> Any:
    import torch

    told = named(told)
    if "weight" in data:
        told["weight"] = tensor(MARGIN_WEIGHTS)
    return torch.nn.MultiMarginLoss(**told)(tensor(data["pred"]), tensor(data["label"]))


MARGIN_WEIGHTS = np.array([0.2, 1.0, 3.0, 0.5, 2.0])


def scores(rng: make.Generator) -> Data:
    """Weights of the classes as weights of the samples, which is what torch makes of them."""
    data = make.class_logits(rng)
    return {"pred": data["pred"], "label": data["label"], "weight": MARGIN_WEIGHTS[data["label"]]}


def poisson(data: Data, told: Told) -> Any:
    import torch

    told = {name: value == "stirling" if name == "full" else value for name, value in told.items()}
    return torch.nn.PoissonNLLLoss(**told)(tensor(data["pred"]), tensor(data["target"]))


def divergence(data: Data, told: Told) -> Any:
    import torch

    return torch.nn.KLDivLoss(**told)(tensor(data["pred"]), tensor(data["target"]))


def normals(data: Data, told: Told) -> Any:
    from torch.distributions import Normal, kl_divergence

    pred = Normal(tensor(data["mean"]), tensor(data["scale"]))
    target = Normal(tensor(data["target_mean"]), tensor(data["target_scale"]))
    reverse = told.get("direction") == "reverse"
    found = kl_divergence(pred, target) if reverse else kl_divergence(target, pred)
    return found.sum() if told.get("reduction") == "sum" else found.mean()


def cosine(data: Data, told: Told) -> Any:
    import torch

    pred, target = tensor(data["pred"]), tensor(data["target"])
    same = torch.ones(len(pred), dtype=torch.float64)
    return torch.nn.CosineEmbeddingLoss(**told)(pred, target, same)


def ctc(data: Data, told: Told) -> Any:
    import torch

    logits = tensor(data["pred"]).transpose(0, 1)
    steps, samples, _ = logits.shape
    given = {name: value for name, value in told.items() if name in ("blank", "zero_infinity")}
    if told.get("normalize") == "none":
        given["reduction"] = "sum"
    lengths = torch.tensor([len(text) for text in data["target"]])
    texts = torch.tensor([symbol for text in data["target"] for symbol in text])
    value = torch.nn.CTCLoss(**given)(
        logits.log_softmax(2), texts, torch.full((samples,), steps), lengths
    )
    return value / samples if told.get("normalize") == "none" else value


def last_blank(rng: make.Generator) -> Data:
    data = make.frames(rng)
    texts = [[symbol - 1 for symbol in text] for text in data["target"]]
    return data | {"target": texts}


def infeasible(rng: make.Generator) -> Data:
    data = make.frames(rng)
    texts = [[1] * 12 if place % 9 == 0 else text for place, text in enumerate(data["target"])]
    return data | {"target": texts}


ENTROPY = ({"label_smoothing": 0.1}, {"class_weight": True},
           {"class_weight": True, "label_smoothing": 0.1},
           {"class_weight": True, "reduction": "sum"})  # fmt: skip

PAIRS = (
    Pair("mean_absolute_error", "torch", "nn.functional.l1_loss", make.values,
         ({}, SUM, *WEIGHTED), functional("l1_loss")),
    Pair("mean_squared_error", "torch", "nn.functional.mse_loss", make.values,
         ({}, SUM, *WEIGHTED), functional("mse_loss")),
    Pair("l1_norm", "torch", "nn.L1Loss(reduction='sum')", make.values, ({}, {"weight": True}),
         lambda data, told: functional("l1_loss")(data, {"reduction": "sum"})),
    Pair("smooth_l1", "torch", "nn.SmoothL1Loss", make.values,
         ({}, {"beta": 0.3}, {"beta": 0.0}, SUM), functional("smooth_l1_loss")),
    Pair("huber", "torch", "nn.functional.huber_loss", make.values,
         ({}, {"delta": 0.7}, SUM, *WEIGHTED), functional("huber_loss")),
    Pair("gaussian_nll", "torch", "nn.GaussianNLLLoss", make.normals,
         ({}, {"full": True}, {"eps": 0.01}, SUM),
         module("GaussianNLLLoss", "mean", "target", "scale")),
    Pair("poisson_nll", "torch", "nn.PoissonNLLLoss", make.log_counts,
         ({}, {"full": "stirling"}, SUM), poisson, form=LOGARITHMS),
    Pair("poisson_nll", "torch", "nn.PoissonNLLLoss(log_input=False)", make.counts,
         ({"log_input": False}, {"log_input": False, "full": "stirling"},
          {"log_input": False, "eps": 0.01}), poisson),
    Pair("binary_cross_entropy", "torch", "nn.BCELoss", make.binary,
         ({}, SUM, *WEIGHTED), functional("binary_cross_entropy")),
    Pair("binary_cross_entropy", "torch", "nn.BCEWithLogitsLoss", make.binary_logits,
         ({"from_logits": True}, {"from_logits": True, "pos_weight": 3.0},
          {"from_logits": True, "weight": True}), weighted_logits),
    Pair("weighted_cross_entropy", "torch", "nn.BCEWithLogitsLoss(pos_weight=...)",
         make.binary_logits, ({}, {"pos_weight": 3.0}, {"pos_weight": 0.2, **SUM},
                              {"pos_weight": 3.0, "weight": True}), weighted_logits),
    Pair("categorical_cross_entropy", "torch", "nn.CrossEntropyLoss of probabilities",
         lambda rng: make.softened(make.class_logits(rng), rng), ({}, SUM, *ENTROPY),
         cross_entropy, form=LOGITS),
    Pair("sparse_categorical_cross_entropy", "torch", "nn.CrossEntropyLoss", make.class_logits,
         ({}, SUM, *ENTROPY), cross_entropy, form=LOGITS),
    Pair("sparse_categorical_cross_entropy", "torch", "nn.CrossEntropyLoss, labels -100",
         lambda rng: make.hidden(make.class_logits(rng), -100),
         ({}, {"class_weight": True}, {"label_smoothing": 0.1, "class_weight": True}),
         cross_entropy, form=LOGITS),
    Pair("sparse_categorical_cross_entropy", "torch", "nn.CrossEntropyLoss(ignore_index=2)",
         make.class_logits, ({"ignore_index": 2}, {"ignore_index": 2, **SUM}), cross_entropy,
         form=LOGITS),
    Pair("logistic", "torch", "nn.SoftMarginLoss", make.signs, ({}, SUM),
         functional("soft_margin_loss")),
    Pair("multiclass_hinge", "torch", "nn.MultiMarginLoss", scores,
         ({}, {"p": 2}, {"margin": 0.5}, SUM, *WEIGHTED), multi_margin),
    Pair("kl_divergence", "torch", "nn.KLDivLoss", make.log_shares,
         ({}, {"reduction": "batchmean"}, SUM), divergence, form=LOGARITHMS),
    Pair("kl_divergence", "torch", "nn.KLDivLoss(log_target=True)", make.both_log_shares,
         ({"log_target": True}, {"log_target": True, "reduction": "batchmean"}), divergence,
         form=LOGARITHMS),
    Pair("kl_gaussian", "torch", "distributions.kl_divergence of Normal", make.two_normals,
         ({}, {"direction": "reverse"}, SUM), normals),
    Pair("ctc", "torch", "nn.CTCLoss", make.frames, ({}, {"normalize": "none"}), ctc),
    Pair("ctc", "torch", "nn.CTCLoss(blank=5)", last_blank, ({"blank": 5},), ctc),
    Pair("ctc", "torch", "nn.CTCLoss(zero_infinity=True)", infeasible,
         ({"zero_infinity": True},), ctc),
    Pair("triplet_margin", "torch", "nn.TripletMarginLoss", make.triplets,
         ({}, {"margin": 0.2}, {"p": 1.0}, {"swap": True}, {"eps": 0.01}, SUM),
         module("TripletMarginLoss", "anchor", "positive", "negative")),
    Pair("cosine_distance", "torch", "nn.CosineEmbeddingLoss of pairs with y=1",
         make.vectors_and_zeros,
         ({}, SUM), cosine),
)  # fmt: skip
