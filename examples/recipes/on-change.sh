#!/bin/sh
# LAST PREDS TARGETS OPTION...: tells when the outcome is another than the last, which the file LAST
# holds; without one it was met.
notify() {  # put a mail or a chat here
  echo "the gate was $1, and is $2"
}

last=$1
shift
lossctl check --output /dev/null "$@"
status=$?
case $status in
  0) now=met ;;
  1) now=violated ;;
  4) now=undecided ;;
  *) now=broken ;;
esac
before=met
if [ -e "$last" ]; then before=$(cat "$last"); fi
if [ "$now" != "$before" ]; then
  notify "$before" "$now" && echo "$now" > "$last"
fi
exit "$status"
