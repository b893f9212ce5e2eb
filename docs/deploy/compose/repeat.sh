#!/bin/sh
# Runs a command whenever a moment of the day, or of the week, comes round, in UTC.
#
#   repeat.sh DAYS MOMENT COMMAND...
#   repeat.sh 1 05:00 tens-insight run auto
#   repeat.sh 7 'Sunday 02:00' tens-insight run tune
#
# It begins with the wait: a container that is restarted, once or again and again, runs nothing
# that is not due. What failed has been told and waits for its next turn.
set -u
days=$1 moment=$2
shift 2
child=
ended=
trap 'ended=yes; stop' INT TERM

# Until it is gone: a signal that comes before the child is the command itself is lost.
stop() {
    while [ -n "$child" ] && kill "$child" 2>/dev/null; do sleep 0.1; done
}

# In the background, since the shell answers signals in `wait` alone; one that comes before the
# child's number is known is answered right after.
run() {
    [ -z "$ended" ] || exit 143
    "$@" &
    child=$!
    [ -z "$ended" ] || stop
    wait "$child"
    code=$?
    [ -z "$ended" ] || exit 143
    child=
}

while :; do
    now=$(date -u +%s)
    next=$(date -u -d "$moment" +%s) || exit 2
    [ "$next" -gt "$now" ] || next=$((next + days * 86400))
    echo "$(date -u -d "@$next" +%FT%TZ) is when \"$*\" runs."
    run sleep $((next - now))
    run "$@"
    echo "$(date -u +%FT%TZ) \"$*\" ended with code $code."
done
