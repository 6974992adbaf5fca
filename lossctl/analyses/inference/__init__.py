"""What a mean difference is worth: tests, intervals, power, dependence, and many models at once."""
