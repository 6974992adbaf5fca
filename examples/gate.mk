# `include gate.mk`, then `make gate`: predictions that a rule makes are made first. Make ends with 2
# whatever the reason is; "Error 1" in its last line is a violation, "Error 4" undecided.

LOSSCTL  ?= lossctl
PREDS    ?= preds.csv
TARGETS  ?= target.csv
BASELINE ?=
GATE     ?= --max rmse=60

.PHONY: gate
gate: $(PREDS) $(TARGETS)
	$(LOSSCTL) check $(PREDS) $(TARGETS) $(if $(BASELINE),--baseline $(BASELINE)) $(GATE)
