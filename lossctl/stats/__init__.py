"""Statistics of samples in memory, one function per topic: `lossctl.stats.contribution(y, p)`.

Each takes array-likes and returns a dict of plain numbers and lists. A topic is a module of this
package and its function of the same name.
"""

from __future__ import annotations

from lossctl.stats.contribution import contribution
from lossctl.stats.outlier_rules import outlier_rules
from lossctl.stats.pareto_khat import pareto_khat

__all__ = ["contribution", "outlier_rules", "pareto_khat"]
