from __future__ import annotations

from hypothesis import HealthCheck, settings

# The machine is shared: no deadline, and the same examples in every run.
settings.register_profile(
    "lossctl", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lossctl")


def pytest_addoption(parser):
    parser.addoption("--rewrite", action="store_true", help="write golden transcripts anew")
