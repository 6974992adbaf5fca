"""Sequences: alignment-free likelihood (CTC) and edit distance."""

from __future__ import annotations
