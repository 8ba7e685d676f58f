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

# until_true SECONDS COMMAND...: wait for its success, at most so long.
until_true() {
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        test $tries -gt 0 || return 1
        sleep 0.05
    done
}

# polymoed on a state folder of its own, ready to answer.
start_daemon() {
    POLYMOE_STATE_DIR=${POLYMOE_STATE_DIR:-$tmp/state}
    export POLYMOE_STATE_DIR
    unset XDG_RUNTIME_DIR
    polymoed >"$tmp/daemon.log" 2>&1 &
    daemon_pid=$!
    until_true 20 answers || fail "polymoed does not answer"
}
answers() {
    kill -0 "$daemon_pid" 2>/dev/null ||
        fail "polymoed ended: $(cat "$tmp/daemon.log")"
    polymoe status >/dev/null 2>&1
}

# What becomes of a job, and of a process.
state_of() {
    polymoe show --json "$1" | tr -d ' \n' |
        sed 's/.*"state":"\([a-z_]*\)".*/\1/'
}
is_state() {
    test "$(state_of "$1")" = "$2"
}
until_state() {
    until_true 30 is_state "$@" || fail "job $1 is $(state_of "$1"), want $2"
}
is_gone() {
    ! kill -0 "$1" 2>/dev/null
}
until_gone() {
    until_true 30 is_gone "$1" || fail "process $1 lives on"
}
until_log() {
    until_true 30 grep -q -e "$1" "$tmp/daemon.log" ||
        fail "no '$1' in: $(cat "$tmp/daemon.log")"
}
