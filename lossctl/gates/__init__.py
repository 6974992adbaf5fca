"""Gates: requirements of a model's losses, and whether they are met, violated or undecided."""
