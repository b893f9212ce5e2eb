#!/bin/sh
# The program of a worker of Beam, for TENS_INSIGHT_BEAM_ENVIRONMENT=process: an engine starts it on
# each of its hosts and adds arguments of its own. VENV is the environment that was made there.
exec "${VENV:-/opt/tens-insight/.venv}/bin/python" -m pipeline.runners.boot "$@"
