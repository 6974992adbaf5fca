"""States of some of the rows, in files: made apart, joined exactly, and judged as if of one run."""
