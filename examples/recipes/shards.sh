#!/bin/sh
# FOLDER OPTION...: preds-1.csv and target-1.csv, preds-2.csv and target-2.csv ... in FOLDER become a
# state each, on as many machines as you like; their sum is judged as if all rows stood in one file.
# --min-samples notices a part that is missing.
set -eu
folder=$1
shift
states=$(mktemp -d)
trap 'rm -rf "$states"' EXIT
for preds in "$folder"/preds-*.csv; do
  part=${preds##*/preds-}
  lossctl eval "$preds" "$folder/target-$part" --on id --id-col id \
    --format state --output "$states/$part.state"
done
lossctl merge "$states"/*.state --output "$states/all.state"
lossctl check "$states/all.state" "$@"
