# For flink.sh and spark.sh, which read this: which Beam, where things are kept, and what is needed.
#
# BEAM=2.62.0 takes another version of Beam than the environment has, beside it.

cache=${FLINK_CACHE:-$HOME/.cache/tens-insight}
installed=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("apache-beam"))')
beam=${BEAM:-$installed}

# Ends where the job server that is wanted cannot be made: $1 says of what it is.
require_means() {
    if [ -n "${JOB_SERVER:-}" ]; then
        echo "JOB_SERVER names $JOB_SERVER, which is not there." >&2
        exit 1
    fi
    if ! command -v mvn >/dev/null 2>&1; then
        echo "Maven (mvn) is needed for $1: install it (on Debian the package maven), or name a" \
            "file that is there: JOB_SERVER=FILE." >&2
        exit 1
    fi
}

# Prints PYTHONPATH=... where Beam is not that of the environment, and puts it there.
say_beam() {
    [ "$beam" != "$installed" ] || return 0
    beside=$cache/beam-$beam
    if [ ! -d "$beside" ]; then
        echo "Putting Beam $beam beside that of the environment, which is $installed ..." >&2
        .venv/bin/python -m pip install --quiet --no-deps --disable-pip-version-check \
            --target "$beside.part" "apache-beam==$beam" >&2
        mv "$beside.part" "$beside"
    fi
    echo "PYTHONPATH=$beside"
}
