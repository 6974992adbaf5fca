#!/bin/sh
# PREDS TARGETS LIMIT: ends with 1 if the RMSE is above LIMIT, with lossctl's own status if there is none.
set -eu
rmse=$(lossctl eval "$1" "$2" --score-only --loss rmse)
if awk -v value="$rmse" -v limit="$3" 'BEGIN { exit !(value <= limit) }'; then
  echo "rmse $rmse is within $3"
else
  echo "rmse $rmse is above $3"
  exit 1
fi
