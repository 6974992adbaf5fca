"""lossctl: evaluate losses from files, and say which samples make them."""

__version__ = "0.1.0"
