#!/bin/sh
# PREDS TARGETS OPTION...: the gate, and what its status means. It ends with that status.
lossctl check "$@"
status=$?
case $status in
  0) echo "met" ;;
  1) echo "a regression: the model is worse than it may be" ;;
  4) echo "undecided: the report says what would decide it" ;;
  2 | 3) echo "nothing was judged: the options or the files are wrong" ;;
  *) echo "nothing was judged: lossctl failed" ;;
esac >&2
exit "$status"
