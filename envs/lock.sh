#!/bin/sh
# Update requirements.txt and requirements-reference.txt from the .in files, and the hashes of their packages in
# envs/hashes; `make lock` runs this and then envs/generate.py. Versions are kept unless an .in file excludes them; `make lock UPGRADE=1` upgrades to the newest versions.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

uv=.venv/bin/uv

# pins NAME ARGUMENTS: every version that NAME.in needs, kept from NAME.txt. One file for CPU and GPU: no build label on
# torch, and no CUDA packages, which the CUDA build of torch pins itself.
pins() {
    name=$1 && shift
    cp "$name.txt" "$work/$name.txt"
    "$uv" pip compile "$name.in" --output-file "$work/$name.txt" --quiet ${UPGRADE:+--upgrade} "$@" \
        --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --annotation-style line --no-header >/dev/null
    sed -E -e '/^(cuda-|nvidia-|triton)/d' -e 's/^(torch==[0-9.]+)\+[a-z0-9.]+/\1/' "$work/$name.txt"
}

replace() {
    if cmp -s "$2" "$1"; then
        echo "$1 is up to date"
    else
        cp "$2" "$1"
        echo "wrote $1"
    fi
}

# hashes NAME: the pins of NAME.txt with the hashes of their files. Not of torch: its builds for CPU and for CUDA are
# different files of the same version.
hashes() {
    grep -v '^torch==' "$1.txt" >"$work/hashed.in"
    "$uv" pip compile "$work/hashed.in" --output-file "$work/hashed.txt" --quiet --no-deps --generate-hashes \
        --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --no-annotate --no-header >/dev/null
    replace "envs/hashes/$1.txt" "$work/hashed.txt"
}

pins requirements >"$work/pins.txt"
replace requirements.txt "$work/pins.txt"

# The reference methods live beside the other packages, so only what requirements.txt does not pin is listed.
pins requirements-reference --constraint requirements.txt >"$work/all.txt"
awk -F '==' 'NR == FNR { pinned[$1]; next } !($1 in pinned)' requirements.txt "$work/all.txt" >"$work/more.txt"
replace requirements-reference.txt "$work/more.txt"

hashes requirements
hashes requirements-reference
