"""Looked at one by one, for the page's seed: why a fault was not found by the command whose matter
it is, and what an alarm on an honest set is about."""

_FLIPS = ("flips among probabilities near one half look as if these were a little too sure: no "
          "share of wrong labels fits better than a temperature does")  # fmt: skip
_FEW = "a slice needs 32 rows in each half"

WHY: dict[int, str] = {
    # shifted rows, by eval
    59: "a slow series: its wrong pairs are better than random ones, as a weak model's are",
    94: "growing noise: the right pairs are better by 3.495 standard errors; 3.5 are asked",
    142: "a slow series: the rows beside the right ones are nearly as good",
    151: "a slow series: its wrong pairs still explain 27 % of the variance, as a weak model does",
    186: "a slow series: its wrong pairs still explain 31 % of the variance, as a weak model does",
    # corrupted targets, by samples
    7: _FLIPS,
    60: _FLIPS,
    78: _FLIPS,
    199: _FLIPS,
    # a bad region, by slices
    16: f"too small: p is 0.05 for one who knows the region; {_FEW}",
    22: f"{_FEW}; `device=tablet`, which holds the region, is named",
    39: f"{_FEW}; one who knows the region has p 0.008",
    139: "the 25 rows elsewhere are too few to compare with: found, but not confirmed",
    145: f"{_FEW}",
    174: "one row is 29 % of the MSE: p is 0.009 for one who knows the region, before any choice",
    # bias, by advise
    26: "0.5 % of the MSE, where 1 % is worth a word; the shift that is advised is the median's",
    56: "12 rows: the best shift and the best temperature save less than 0.1 % each",
    65: "counts: the squared error has the tail of an infinite variance, and what is best for it "
    "is not for the absolute error, whose median is lower",
    108: "temperature 2.5 saves 25 %, but by 2.1 standard errors of so few rows; 3 are asked",
    133: "a line saves 1.7 % of the MSE, which `eval` says, by 1.7 standard errors; 3 are asked",
    159: "the rest is too sure: a shift saves 0.5 %, a temperature 4.7 % by 2.1 standard errors",
    160: "1.1 % of the MSE of 288 rows, which is within chance",
    168: "one row is 55 % of the MSE, so that no mean is known well",
    171: "temperature 2.1 saves 17 %, but by 2.0 standard errors of so few rows; 3 are asked",
    # units, by eval
    43: "of a factor so small, the error must fall by 72 %: it falls by 54 %",
    57: "around 0, predictions 2.54 times too small are like shrunk ones of a weak model",
    162: "around 0, predictions 2.54 times too small are like shrunk ones of a weak model",
}

_COUNTS = "errors of counts grow with the count: their tails are heavier than Gaussian ones"

ALARMED: dict[int, str] = {
    0: _COUNTS,
    1: _COUNTS,
    89: _COUNTS,
    115: _COUNTS,
    118: "true: so sure that the base rate is better",
    179: _COUNTS,
}
