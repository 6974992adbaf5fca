"""Distributions against distributions, and proper scoring rules of forecasts."""

from __future__ import annotations
