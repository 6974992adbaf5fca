"""Readings of the states, one file each: what `eval` says beyond the values."""
