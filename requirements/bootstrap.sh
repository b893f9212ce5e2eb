#!/bin/sh
# Makes .venv from the locked requirements: picks the stack that this machine can run,
# finds its interpreter, and installs. Does nothing where .venv is up to date.
set -eu
cd "$(dirname "$0")/.."

# Stack A: TFX 1.16 on Python 3.10, any glibc. Stack B: TFX 1.21 on Python 3.11 to 3.13,
# whose wheels of ml-metadata need glibc 2.39. A is the one exercised on every change.
glibc=$(ldd --version 2>/dev/null | sed -n '1s/.* //p')
newer_glibc=$(printf '2.39\n%s\n' "${glibc:-0}" | sort -V | head -n 1)

find_python() { # prints the path of a Python of version $1, if there is one
    for candidate in \
        "python$1" \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python \
        "$(command -v uv >/dev/null 2>&1 && uv python find --no-python-downloads "$1" 2>/dev/null || true)"; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        # Shims answer to the name of a version that is not active: ask the interpreter.
        found=$("$path" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        # That of an environment may be the one of .venv, which is about to be removed.
        [ "$found" = "$1" ] && { readlink -f "$path"; return; }
    done
    return 0
}

python=$(find_python 3.10)
lock=requirements/tfx-1.16-py310.txt
if [ -z "$python" ] && [ "$newer_glibc" = 2.39 ]; then
    lock=requirements/tfx-1.21.txt
    for version in 3.11 3.12 3.13; do
        [ -n "$python" ] || python=$(find_python "$version")
    done
fi
if [ -z "$python" ]; then
    echo "No Python was found that TFX runs on: install Python 3.10 with venv (any glibc)," \
        "or 3.11 to 3.13 where glibc is 2.39 or newer (here: ${glibc:-unknown})." >&2
    exit 1
fi

wanted=$(cat "$lock" setup.py | cksum)
if [ -x .venv/bin/tens-insight ] && [ "$(cat .venv/.installed 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
echo "Installing $lock with $python into .venv (about a minute; 3.3 GB)."
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE="${UV_LINK_MODE:-hardlink}"
# Byte code is compiled once, here: without it every start pays ten seconds more.
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode "$lock"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
echo "$wanted" > .venv/.installed
