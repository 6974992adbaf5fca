"""The one map from the names in reference files to the roles and settings of lossctl."""

from __future__ import annotations

from typing import Any

# Input key -> roles, the first that the loss has.
ROLES: dict[str, tuple[str, ...]] = {
    "y_pred": ("pred", "mean", "logits", "probabilities", "scores", "members", "boxes"),
    "y_true": ("target", "label", "labels"),
    "pred": ("pred", "mean", "logits"),
    "target": ("target", "label", "labels"),
    "labels": ("label", "labels", "target"),
    "targets": ("target", "targets", "label"),
    "sample_weight": ("weight",),
    "weights": ("parameters", "class_vectors"),
    "var": ("scale", "variance"),
    "sigma": ("scale",),
    "mu": ("mean",),
    "y_train": ("train",),
    "embeddings": ("embedding", "embeddings", "pred"),
    "ensemble": ("members",),
    "logits": ("pred",),
    "input_lengths": ("input_length",),
    "x1": ("left", "pred"),
    "x2": ("right", "target"),
    "nll_nats": ("pred",),
}

# Parameters that lossctl spells otherwise: (key, value) -> the settings in their place.
SPELLED: dict[tuple[str, Any], dict[str, Any]] = {
    ("centers", "class_mean"): {},  # a role: not given, the means of the classes are taken
    ("reduction_over", "elements"): {"reduction": "mean_over_elements"},
}

# Input key -> settings that it implies, where the loss has them.
IMPLIED: dict[str, dict[str, Any]] = {
    "var": {"variance": True},
    "sigma": {"variance": False},
}

# Parameters that are options of `evaluate`, not settings of a loss.
OPTIONS = ("nan", "multioutput")

# Reductions that a spec names; every other name in a file is the loss's own reduction.
NAMED = ("mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights")


def role_of(key: str, roles: tuple[str, ...]) -> str | None:
    """The role that an input plays for a loss with these `roles`; None if it plays none."""
    if key in roles:
        return key
    return next((name for name in ROLES.get(key, ()) if name in (*roles, "weight")), None)
