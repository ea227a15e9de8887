# Sourced by tools/run and tools/test: makes .venv at the checkout's root hold an extra of this package.
#
#   environment EXTRA     installs `.[EXTRA]` unless it is there already; on failure one line and exit 1
#
# A stamp file names the pyproject.toml it was installed from, so a warm start asks no registry.

fail() {
    echo "$1" >&2
    exit 1
}

# The first Python that is new enough.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Debian keeps venv in a package of its own. Only root can mend that; anybody else is told how.
system_packages() {
    local wanted=$1
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        fail "${0##*/}: Python 3.11 or newer with venv is needed; on Debian: apt-get install $wanted"
    fi
    echo "${0##*/}: installing $wanted" >&2
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $wanted; } \
        >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        fail "${0##*/}: apt-get install $wanted failed (above)"
    fi
}

environment() {
    local extra=$1 python version stamp
    venv=$root/.venv
    log=$(mktemp) || exit 1
    trap 'rm -f "$log"' EXIT
    # Two commands started at once must not build the same folder.
    [ -w "$root" ] || fail "${0##*/}: cannot write in $root, where .venv would be"
    exec 9>"$root/.venv.lock"
    command -v flock >/dev/null 2>&1 && flock 9

    if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        rm -rf "$venv"
        python=$(find_python) || { system_packages "python3 python3-venv" && python=$(find_python); } ||
            fail "${0##*/}: no Python 3.11 or newer here"
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            case $python in
            */python3) system_packages python3-venv ;;
            *) system_packages "python$version-venv" ;;
            esac
        fi
        if ! "$python" -m venv "$venv" >"$log" 2>&1; then
            tail -n 5 "$log" >&2
            rm -rf "$venv"
            fail "${0##*/}: $python -m venv $venv failed (above)"
        fi
    fi

    stamp=$venv/installed-$extra
    if ! { cat "$root/pyproject.toml" && echo "$root"; } | cmp -s - "$stamp"; then
        echo "${0##*/}: installing jamliquor-lite[$extra] into .venv" >&2
        if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            -e "$root[$extra]" >"$log" 2>&1; then
            tail -n 5 "$log" >&2
            fail "${0##*/}: pip install of jamliquor-lite[$extra] failed (above)"
        fi
        { cat "$root/pyproject.toml" && echo "$root"; } >"$stamp"
    fi
    exec 9>&-
    rm -f "$log"
    trap - EXIT
}
