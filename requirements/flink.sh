#!/bin/sh
# Fetches what a session cluster of Flink needs beside Java, and says where it is: Flink's jars from
# PyPI, Beam's job server from Maven Central. Does nothing where both are there already.
#
#   requirements/flink.sh            prints two lines, FLINK_HOME=... and JOB_SERVER=...
#
# JOB_SERVER=FILE takes a job server that is there instead.
set -eu
cd "$(dirname "$0")/.."

FLINK=1.18.1
home=${FLINK_CACHE:-$HOME/.cache/tens-insight}/flink-$FLINK
beam=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("apache-beam"))')
artifact=beam-runners-flink-${FLINK%.*}-job-server
jar=${JOB_SERVER:-$home/$artifact-$beam.jar}

mkdir -p "$home"
if [ ! -e "$home/lib/flink-dist-$FLINK.jar" ]; then
    echo "Fetching Flink $FLINK from PyPI (230 MB) ..." >&2
    .venv/bin/python -m pip download --quiet --no-deps --no-binary :all: --disable-pip-version-check \
        --dest "$home" "apache-flink-libraries==$FLINK" >&2
    tar -xzf "$home/apache-flink-libraries-$FLINK.tar.gz" -C "$home" --strip-components=2 \
        "apache-flink-libraries-$FLINK/deps/lib" "apache-flink-libraries-$FLINK/deps/licenses"
    rm "$home/apache-flink-libraries-$FLINK.tar.gz"
fi
if [ ! -e "$jar" ]; then
    if [ -n "${JOB_SERVER:-}" ]; then
        echo "JOB_SERVER names $JOB_SERVER, which is not there." >&2
        exit 1
    fi
    if ! command -v mvn >/dev/null 2>&1; then
        echo "Maven (mvn) is needed to fetch org.apache.beam:$artifact:$beam: install it (on Debian" \
            "the package maven), or name a file that is there: JOB_SERVER=FILE." >&2
        exit 1
    fi
    echo "Fetching org.apache.beam:$artifact:$beam from Maven Central ..." >&2
    if ! mvn --batch-mode --quiet dependency:copy -Dartifact="org.apache.beam:$artifact:$beam" \
        -DoutputDirectory="$home" >"$home/maven.log" 2>&1; then
        echo "Maven Central, or the mirror that Maven is set to, did not give" \
            "org.apache.beam:$artifact:$beam ($home/maven.log). Fetch that file elsewhere and name" \
            "it: JOB_SERVER=FILE. Without Flink, \`make portable\` tries the same path." >&2
        exit 1
    fi
fi
echo "FLINK_HOME=$home"
echo "JOB_SERVER=$jar"
