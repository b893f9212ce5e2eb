# Stack B, TFX 1.21, on Python 3.11 and Debian 13, whose glibc its wheels need. x86-64 only:
# ml-metadata has no wheel for another processor.
FROM python:3.11.15-slim-trixie AS builder

# pyfarmhash comes as C++ source alone. The compiler stays in this stage, so its version is
# whatever Debian 13 has.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/opt/tens-insight
RUN pip install --no-cache-dir uv==0.13.9 && uv venv "$VIRTUAL_ENV"

WORKDIR /src
# The lock first: a change of the code then leaves the layer with the libraries as it was.
COPY requirements/image.txt requirements/
# Byte code is compiled here: the user of the final stage may not write it, and without it
# every start would take ten seconds longer. Without a compiler nobody needs TensorFlow's
# headers, which are 287 MB.
RUN uv pip sync --require-hashes --compile-bytecode requirements/image.txt \
    && rm -r "$VIRTUAL_ENV"/lib/python3.11/site-packages/tensorflow/include
# .dockerignore names the few files that come along.
COPY . .
RUN uv pip install --no-deps --no-build-isolation --compile-bytecode .


FROM python:3.11.15-slim-trixie

# By number, since runAsNonRoot cannot read names.
RUN groupadd --gid 10001 tens-insight \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp tens-insight \
    && install --directory --owner=10001 --group=10001 --mode=0750 /state
COPY --from=builder /opt/tens-insight /opt/tens-insight

# The root file system may be read-only: all that is written goes to /state and to /tmp. With one
# thread an operation scores do not depend on the number of processors (docs/serving.md), and the
# memory of tensors that were freed goes back to the system (docs/decisions/speed.md).
ENV HOME=/tmp \
    PATH=/opt/tens-insight/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    TF_NUM_INTRAOP_THREADS=1 \
    TF_ONEDNN_USE_SYSTEM_ALLOCATOR=1 \
    TENS_INSIGHT_STATE_DIR=/state
VOLUME /state
WORKDIR /state
USER 10001:10001

# Commands run and end; there is no server to probe. `tens-insight status` tells how old the
# published scores are.
HEALTHCHECK NONE
# Process 1 gets no signal that it does not handle; Python handles this one, and the command
# ends with code 130.
STOPSIGNAL SIGINT
ENTRYPOINT ["tens-insight"]
CMD ["--help"]
