"""Margin losses: a score whose sign is the decision, and plain misclassification."""

from __future__ import annotations
