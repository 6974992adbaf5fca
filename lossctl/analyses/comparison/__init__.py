"""Several models on the same rows: which is better, for which losses, by which rows, how surely."""
