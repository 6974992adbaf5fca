#!/bin/sh
# BASELINE PREDS TARGETS OPTION...: compares with a baseline. The first run has none, and makes it.
# Keep the file where it is not lost: without it every run is a first run, which passes.
baseline=$1 preds=$2 targets=$3
shift 3
if [ -e "$baseline" ]; then
  lossctl check "$preds" "$targets" --baseline "$baseline" "$@"
else
  lossctl eval "$preds" "$targets" --format state --output "$baseline" || exit
  echo "first run: $baseline holds the losses of $preds" >&2
fi
