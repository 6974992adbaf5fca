"""Embeddings: distances between vectors, to class centers, and margins on angles."""

from __future__ import annotations
