#!/bin/sh
# Fetches what a run on Spark needs beside Java, and says where it is: Beam's job server for Spark 3,
# which brings Spark with it. Does nothing where it is there already.
#
#   requirements/spark.sh            prints a line, JOB_SERVER=...
#
# SPARK=3.5.6 takes another version of Spark. BEAM=2.62.0 takes another version of Beam than the
# environment has: it is put beside it, and a second line PYTHONPATH=... names it.
# JOB_SERVER=FILE takes a job server that is there instead.
set -eu
cd "$(dirname "$0")/.."

spark=${SPARK:-3.5.6}
cache=${FLINK_CACHE:-$HOME/.cache/tens-insight}
home=$cache/spark-$spark
installed=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("apache-beam"))')
beam=${BEAM:-$installed}
jar=${JOB_SERVER:-$home/beam-runners-spark-3-job-server-$beam.jar}

mkdir -p "$home"
if [ ! -e "$jar" ]; then
    if [ -n "${JOB_SERVER:-}" ]; then
        echo "JOB_SERVER names $JOB_SERVER, which is not there." >&2
        exit 1
    fi
    if ! command -v mvn >/dev/null 2>&1; then
        echo "Maven (mvn) is needed to make Beam's job server for Spark: install it (on Debian the" \
            "package maven), or name a file that is there: JOB_SERVER=FILE." >&2
        exit 1
    fi
    echo "Making a job server of org.apache.beam:beam-runners-spark-3:$beam and Spark $spark ..." >&2
    built=$home/job-server-$beam
    if ! mvn --batch-mode --quiet --file requirements/spark-job-server.xml package \
        -Dbeam="$beam" -Dspark="$spark" -Dfolder="$built" -Djar=whole.jar >"$home/maven.log" 2>&1; then
        echo "Maven Central, or the mirror that Maven is set to, gave not all of" \
            "beam-runners-spark-3:$beam and Spark $spark ($home/maven.log). Fetch" \
            "org.apache.beam:beam-runners-spark-3-job-server:$beam elsewhere and name it:" \
            "JOB_SERVER=FILE. Or take versions that are there: SPARK=..., BEAM=...." >&2
        exit 1
    fi
    mv "$built/whole.jar" "$jar"
    rm -r "$built"
fi
if [ "$beam" != "$installed" ]; then
    beside=$cache/beam-$beam
    if [ ! -d "$beside" ]; then
        echo "Putting Beam $beam beside that of the environment, which is $installed ..." >&2
        .venv/bin/python -m pip install --quiet --no-deps --disable-pip-version-check \
            --target "$beside.part" "apache-beam==$beam" >&2
        mv "$beside.part" "$beside"
    fi
    echo "PYTHONPATH=$beside"
fi
echo "JOB_SERVER=$jar"
