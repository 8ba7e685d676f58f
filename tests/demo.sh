#!/bin/sh
# demo.sh - the main job from end to end on the sample: a daemon, a job with
# a progress bar, a table of routing results.
#
# Run by `make demo` with the build tree in PATH and POLYMOE_SAMPLE set, or
# by hand after an install.  POLYMOE_DEMO_DIR (./demo) is kept.
set -eu
sample=$(cd "${POLYMOE_SAMPLE:?where the sample lies}" && pwd)
dir=${POLYMOE_DEMO_DIR:-demo}
say() { printf '\n== %s\n' "$*"; }

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
# Sockets want short paths and a private folder, whatever the build folder is.
POLYMOE_STATE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/polymoe-demo-XXXXXX")
export POLYMOE_STATE_DIR
unset XDG_RUNTIME_DIR
cleanup() {
    polymoe shutdown --now >/dev/null 2>&1 || kill "$daemon" 2>/dev/null || :
    wait "$daemon" 2>/dev/null || :
    rm -rf "$POLYMOE_STATE_DIR"
}

say "Devices"
polymoe devices

say "Starting the daemon (log: $dir/polymoed.log)"
polymoed >"$dir/polymoed.log" 2>&1 &
daemon=$!
trap cleanup EXIT
trap 'echo "demo: stopped, and its daemon and queue with it" >&2; exit 1' \
    INT TERM HUP
n=0
until polymoe status >/dev/null 2>&1; do
    n=$((n + 1))
    if ! kill -0 "$daemon" 2>/dev/null || [ "$n" -gt 100 ]; then
        cat "$dir/polymoed.log" >&2
        exit 1
    fi
    sleep 0.1
done
polymoe status

say "Submitting a routing analysis of 14 languages"
rm -rf "$dir/analysis"
cat >"$dir/analysis.yaml" <<E2
kind: analyze
name: sample-routing
model: $sample/model
data: $sample/parallel
documents: line
window: 256
perplexity: true
out: $dir/analysis
E2
cat "$dir/analysis.yaml"
id=$(polymoe submit --parsable "$dir/analysis.yaml")
polymoe follow "$id"
polymoe wait "$id"
polymoe list

say "Results"
polymoe report "$dir/analysis"
