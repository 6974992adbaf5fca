"""Statistics of samples in memory, one function per topic: `lossctl.stats.contribution(y, p)`.

Each takes array-likes and returns a dict of plain numbers and lists. A topic is a module of this
package and its function of the same name.
"""

from __future__ import annotations

from lossctl.stats.asymptotic_confidence_sequence import asymptotic_confidence_sequence
from lossctl.stats.best_constant import best_constant
from lossctl.stats.best_correction import best_correction
from lossctl.stats.block_length import block_length
from lossctl.stats.cluster_se import cluster_se
from lossctl.stats.contribution import contribution
from lossctl.stats.corp_decomposition import corp_decomposition
from lossctl.stats.cross_entropy_split import cross_entropy_split
from lossctl.stats.diebold_mariano import diebold_mariano
from lossctl.stats.error_dominance import error_dominance
from lossctl.stats.flip_set import flip_set
from lossctl.stats.gate import gate
from lossctl.stats.implied_functional import implied_functional
from lossctl.stats.kitagawa import kitagawa
from lossctl.stats.label_issues import label_issues
from lossctl.stats.loss_efficiency import loss_efficiency
from lossctl.stats.mcnemar import mcnemar
from lossctl.stats.model_confidence_set import model_confidence_set
from lossctl.stats.mse_decomposition import mse_decomposition
from lossctl.stats.multiplicity import multiplicity
from lossctl.stats.murphy_curve import murphy_curve
from lossctl.stats.outlier_rules import outlier_rules
from lossctl.stats.paired_test import paired_test
from lossctl.stats.pareto_khat import pareto_khat
from lossctl.stats.slices import slices
from lossctl.stats.temperature import temperature

__all__ = [
    "asymptotic_confidence_sequence",
    "best_constant",
    "best_correction",
    "block_length",
    "cluster_se",
    "contribution",
    "corp_decomposition",
    "cross_entropy_split",
    "diebold_mariano",
    "error_dominance",
    "flip_set",
    "gate",
    "implied_functional",
    "kitagawa",
    "label_issues",
    "loss_efficiency",
    "mcnemar",
    "model_confidence_set",
    "mse_decomposition",
    "multiplicity",
    "murphy_curve",
    "outlier_rules",
    "paired_test",
    "pareto_khat",
    "slices",
    "temperature",
]
