#!/bin/sh
# Update requirements.txt from requirements.in; `make lock` runs this and then envs/generate.py.
# Versions are kept unless requirements.in excludes them; `make lock UPGRADE=1` upgrades to the newest versions.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    .venv/bin/python -m venv "$work/uv"
    "$work/uv/bin/python" -m pip install --quiet --disable-pip-version-check uv
    uv=$work/uv/bin/uv
fi

cp requirements.txt "$work/requirements.txt"
"$uv" pip compile requirements.in --output-file "$work/requirements.txt" --quiet ${UPGRADE:+--upgrade} \
    --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --annotation-style line --no-header >/dev/null

# One file for CPU and GPU: no build label on torch, and no CUDA packages, which the CUDA build of torch pins itself.
sed -E -e '/^(cuda-|nvidia-|triton)/d' -e 's/^(torch==[0-9.]+)\+[a-z0-9.]+/\1/' \
    "$work/requirements.txt" >"$work/pins.txt"
if cmp -s "$work/pins.txt" requirements.txt; then
    echo "requirements.txt is up to date"
else
    cp "$work/pins.txt" requirements.txt
    echo "wrote requirements.txt"
fi
