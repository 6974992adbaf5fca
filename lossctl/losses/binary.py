"""Binary likelihoods: one probability or logit per sample, or one per label of several."""

from __future__ import annotations
