from __future__ import annotations


def pytest_addoption(parser):
    parser.addoption("--rewrite", action="store_true", help="write golden transcripts anew")
