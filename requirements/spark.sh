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
. requirements/beam_versions.sh

spark=${SPARK:-3.5.6}
home=$cache/spark-$spark
jar=${JOB_SERVER:-$home/beam-runners-spark-3-job-server-$beam.jar}

mkdir -p "$home"
if [ ! -e "$jar" ]; then
    require_means "Beam's job server for Spark"
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
say_beam
echo "JOB_SERVER=$jar"
