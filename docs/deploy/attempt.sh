#!/bin/sh
# Runs a command, again where that helps: code 5, the database cannot be reached, is tried three
# more times, ten minutes apart. Every other code would come back the same: it is passed on.
#
#   attempt.sh tens-insight run auto
set -u
tries=4
while :; do
    "$@"
    code=$?
    tries=$((tries - 1))
    if [ "$code" -ne 5 ] || [ "$tries" -eq 0 ]; then
        exit "$code"
    fi
    echo "The database could not be reached; $tries more tries, the next in ten minutes." >&2
    sleep "${ATTEMPT_PAUSE:-600}"
done
