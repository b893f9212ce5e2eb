#!/bin/sh
# Fetches what a session cluster of Flink needs beside Java, and says where it is: Flink's jars from
# PyPI, Beam's job server from Maven Central. Does nothing where both are there already.
#
#   requirements/flink.sh            prints two lines, FLINK_HOME=... and JOB_SERVER=...
#
# FLINK=1.19.3 takes another version of Flink. BEAM=2.62.0 takes another version of Beam than the
# environment has: it is put beside it, and a third line PYTHONPATH=... names it.
# JOB_SERVER=FILE takes a job server that is there instead.
set -eu
cd "$(dirname "$0")/.."
. requirements/beam_versions.sh

flink=${FLINK:-1.18.1}
minor=${flink%.*}
home=$cache/flink-$flink
artifact=beam-runners-flink-$minor-job-server
jar=${JOB_SERVER:-$home/$artifact-$beam.jar}

mkdir -p "$home"
if [ ! -e "$home/lib/flink-dist-$flink.jar" ]; then
    echo "Fetching Flink $flink from PyPI (230 MB) ..." >&2
    .venv/bin/python -m pip download --quiet --no-deps --no-binary :all: --disable-pip-version-check \
        --dest "$home" "apache-flink-libraries==$flink" >&2
    tar -xzf "$home/apache-flink-libraries-$flink.tar.gz" -C "$home" --strip-components=2 \
        "apache-flink-libraries-$flink/deps/lib" "apache-flink-libraries-$flink/deps/licenses"
    rm "$home/apache-flink-libraries-$flink.tar.gz"
fi
if [ ! -e "$jar" ]; then
    require_means "org.apache.beam:$artifact:$beam"
    echo "Fetching org.apache.beam:$artifact:$beam from Maven Central ..." >&2
    if ! mvn --batch-mode --quiet dependency:copy -Dartifact="org.apache.beam:$artifact:$beam" \
        -DoutputDirectory="$home" >"$home/maven.log" 2>&1; then
        echo "It is not to be had ($home/maven.log). Making one of" \
            "org.apache.beam:beam-runners-flink-$minor:$beam and what that needs ..." >&2
        built=$home/job-server-$beam
        if ! mvn --batch-mode --quiet --file requirements/flink-job-server.xml package \
            -Dbeam="$beam" -Dflink="$minor" -Dfolder="$built" -Djar=whole.jar >>"$home/maven.log" 2>&1; then
            echo "Maven Central, or the mirror that Maven is set to, gave neither" \
                "org.apache.beam:$artifact:$beam nor all of beam-runners-flink-$minor:$beam" \
                "($home/maven.log). Fetch that file elsewhere and name it: JOB_SERVER=FILE. Or take" \
                "versions that are there: FLINK=..., BEAM=.... Without Flink, \`make portable\` tries" \
                "the same path." >&2
            exit 1
        fi
        mv "$built/whole.jar" "$jar"
        rm -r "$built"
    fi
fi
say_beam
echo "FLINK_HOME=$home"
echo "JOB_SERVER=$jar"
