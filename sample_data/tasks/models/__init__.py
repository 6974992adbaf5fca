"""Other models of the targets of each folder, for comparisons of six: they fill `models/`."""
