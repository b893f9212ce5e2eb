#!/bin/sh
# Runs a command whenever a moment of the day, or of the week, comes round, in UTC.
#
#   repeat.sh DAYS MOMENT COMMAND...
#   repeat.sh 1 05:00 tens-insight run score
#   repeat.sh 7 'Sunday 02:00' tens-insight run train
#
# It begins with the wait: a container that starts anew, or again and again, runs nothing that
# is not due. What failed has been told and waits for its next turn.
set -u
days=$1 moment=$2
shift 2
child=
trap 'kill "$child" 2>/dev/null; wait; exit 143' INT TERM

while :; do
    now=$(date -u +%s)
    next=$(date -u -d "$moment" +%s) || exit 2
    [ "$next" -gt "$now" ] || next=$((next + days * 86400))
    echo "$(date -u -d "@$next" +%FT%TZ) is when \"$*\" runs."
    # In the background: the shell answers signals in `wait` alone.
    sleep $((next - now)) &
    child=$!
    wait "$child"
    "$@" &
    child=$!
    wait "$child"
    echo "$(date -u +%FT%TZ) \"$*\" ended with code $?."
done
