"""Likelihoods over classes: a row of probabilities or logits per sample."""

from __future__ import annotations
