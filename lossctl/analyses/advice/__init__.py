"""What to do about a model, from its residuals or probabilities: one rule a module, and the
arithmetic that `lossctl.stats` shows of each."""
