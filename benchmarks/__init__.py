"""Times lossctl against other programs: `make bench` and `make bench-losses`."""
