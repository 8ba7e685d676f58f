# lib.sh - what the shell tests share: paths, a private folder, a daemon.
#
# Sourced.  $top is the absolute source folder, $tmp a folder that is removed
# at exit, and the programs of the build tree come first in PATH.
top=$(cd "$srcdir" && pwd)
builddir=${builddir:-$PWD}
PATH=$builddir:$PATH
POLYMOE_WORKER=$builddir/polymoe-worker
export PATH POLYMOE_WORKER
tmp=$(mktemp -d "${TMPDIR:-/tmp}/polymoe-test-XXXXXX") || exit 1
chmod 700 "$tmp"
daemon_pid=

cleanup() {
    if test -n "$daemon_pid"; then
        kill "$daemon_pid" 2>/dev/null
        wait "$daemon_pid" 2>/dev/null
    fi
    cd /
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*"
    exit 1
}

# polymoed on a state folder of its own, ready to answer.
start_daemon() {
    POLYMOE_STATE_DIR=${POLYMOE_STATE_DIR:-$tmp/state}
    export POLYMOE_STATE_DIR
    unset XDG_RUNTIME_DIR
    polymoed >"$tmp/daemon.log" 2>&1 &
    daemon_pid=$!
    i=0
    until polymoe status >/dev/null 2>&1; do
        i=$((i + 1))
        kill -0 "$daemon_pid" 2>/dev/null ||
            fail "polymoed ended: $(cat "$tmp/daemon.log")"
        test $i -lt 100 || fail "polymoed does not answer"
        sleep 0.1
    done
}

# What becomes of a job, and of a process.
state_of() {
    polymoe show --json "$1" | tr -d ' \n' |
        sed 's/.*"state":"\([a-z_]*\)".*/\1/'
}
until_state() {
    n=0
    until test "$(state_of "$1")" = "$2"; do
        n=$((n + 1))
        test $n -lt 100 || fail "job $1 is $(state_of "$1"), want $2"
        sleep 0.1
    done
}
until_gone() {
    n=0
    while kill -0 "$1" 2>/dev/null; do
        n=$((n + 1))
        test $n -lt 120 || fail "process $1 lives on"
        sleep 0.1
    done
}
until_log() {
    n=0
    until grep -q -e "$1" "$tmp/daemon.log"; do
        n=$((n + 1))
        test $n -lt 150 || fail "no '$1' in: $(cat "$tmp/daemon.log")"
        sleep 0.1
    done
}
