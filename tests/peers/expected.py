"""Which libraries have which loss, written by hand from their documentation, apart from `peers`."""

from __future__ import annotations

TIERS: dict[int, tuple[str, ...]] = {
    1: (
        "balanced_cross_entropy", "binary_cross_entropy", "binary_focal",
        "categorical_cross_entropy", "categorical_focal", "center_loss", "ciou_loss", "ctc",
        "dice", "diou_loss", "edit_distance", "exponential", "giou_loss",
        "half_mean_squared_error", "hinge", "huber", "iou_loss", "jaccard", "js_divergence",
        "kl_divergence", "l1_norm", "l2_norm", "large_margin_softmax", "log_cosh",
        "mean_absolute_error", "mean_squared_error", "perceptron", "root_mean_squared_error",
        "smooth_l1", "sparse_categorical_cross_entropy", "structural_risk",
        "weighted_cross_entropy", "zero_one",
    ),
    2: (
        "asymmetric_loss", "bits_per_dim", "brier", "cauchy", "contrastive", "cosine_distance",
        "crps_ensemble", "crps_gaussian", "epsilon_insensitive", "explained_variance",
        "focal_tversky", "gamma_deviance", "gaussian_nll", "geman_mcclure", "general_robust",
        "generalized_cross_entropy", "info_nce", "interval_score", "max_error",
        "mean_absolute_percentage_error", "mean_absolute_scaled_error",
        "mean_squared_logarithmic_error", "median_absolute_error", "modified_huber",
        "multiclass_hinge", "perplexity", "pinball", "poisson_deviance", "poisson_nll",
        "poly1_cross_entropy", "pseudo_huber", "r2", "ranked_probability_score",
        "root_mean_squared_logarithmic_error", "root_mean_squared_scaled_error",
        "spherical_score", "squared_epsilon_insensitive", "squared_hinge",
        "symmetric_mean_absolute_percentage_error", "triplet_margin", "tukey_biweight",
        "tversky", "tweedie_deviance", "weighted_absolute_percentage_error", "welsch",
    ),
    3: (
        "arcface", "cosface", "lovasz_hinge", "quadratic_weighted_kappa",
        "relative_squared_error",
    ),
}  # fmt: skip
# Losses that no tier lists, most of them forms of others; they need pairs all the same.
BESIDE = ("accuracy", "character_error_rate", "combine", "expectile", "hamming", "kl_gaussian",
          "linex", "logistic", "mean_bias_error", "word_error_rate")  # fmt: skip

EXPECTED: dict[str, str] = {
    # regression
    "mean_absolute_error": "torch keras sklearn",
    "mean_squared_error": "torch keras sklearn optax",
    "half_mean_squared_error": "sklearn optax",
    "root_mean_squared_error": "sklearn",
    "l1_norm": "torch",
    "smooth_l1": "torch",
    "huber": "torch keras optax",
    "log_cosh": "keras optax",
    "structural_risk": "keras",
    "mean_squared_logarithmic_error": "keras sklearn",
    "root_mean_squared_logarithmic_error": "sklearn",
    "pinball": "sklearn",
    "epsilon_insensitive": "sklearn",
    "squared_epsilon_insensitive": "sklearn",
    "gaussian_nll": "torch",
    "poisson_nll": "torch keras",
    "poisson_deviance": "sklearn",
    "gamma_deviance": "sklearn",
    "tweedie_deviance": "sklearn",
    "mean_absolute_percentage_error": "keras sklearn",
    # margins
    "zero_one": "sklearn",
    "hamming": "sklearn",
    "hinge": "keras sklearn optax",
    "squared_hinge": "keras sklearn",
    "perceptron": "sklearn optax",
    "exponential": "sklearn",
    "modified_huber": "sklearn",
    "logistic": "torch sklearn optax",
    "multiclass_hinge": "torch keras sklearn optax",
    # likelihoods of classes
    "binary_cross_entropy": "torch keras sklearn optax",
    "weighted_cross_entropy": "torch",
    "categorical_cross_entropy": "torch keras sklearn optax",
    "sparse_categorical_cross_entropy": "torch keras sklearn optax",
    "binary_focal": "keras optax",
    "categorical_focal": "keras",
    "generalized_cross_entropy": "keras",
    "poly1_cross_entropy": "optax",
    # distributions and scores
    "kl_divergence": "torch keras optax",
    "kl_gaussian": "torch",
    "brier": "sklearn",
    # overlap, sequences, embeddings
    "dice": "keras optax",
    "tversky": "keras optax",
    "ctc": "torch keras optax",
    "triplet_margin": "torch optax",
    "cosine_distance": "torch keras sklearn optax",
    "info_nce": "optax",
    # companions
    "r2": "sklearn",
    "explained_variance": "sklearn",
    "max_error": "sklearn",
    "median_absolute_error": "sklearn",
    "accuracy": "keras sklearn",
    "quadratic_weighted_kappa": "sklearn",
}
