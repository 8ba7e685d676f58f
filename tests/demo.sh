#!/bin/sh
# demo.sh - the main jobs from end to end on the sample: a daemon, a study that
# trains a small multilingual model from nothing and analyses it, progress bars,
# and at the end how loss and perplexity fell and which experts a language uses.
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

# Of each language nine tenths to train on, the rest held out.
languages="en ar cs es fi hi ru"
rm -rf "$dir/text" "$dir/heldout" "$dir/train" "$dir/analysis"
mkdir -p "$dir/text" "$dir/heldout"
for l in $languages; do
    sed -n '1,216p' "$sample/parallel/$l.txt" >"$dir/text/$l.txt"
    sed -n '217,$p' "$sample/parallel/$l.txt" >"$dir/heldout/$l.txt"
done

say "A study: train a model from nothing, then see which experts are used"
cat >"$dir/study.yaml" <<Y
window: 128
tokenizer: $sample/tokenizer.json
jobs:
  train:
    kind: pretrain
    model: $sample/model/config.json       # its architecture, new weights
    init: olmo
    data: $dir/text
    heldout: $dir/heldout
    mixture: uniform
    batch: 16
    micro_batch: 16
    max_steps: ${POLYMOE_DEMO_STEPS:-150}
    optimizer: {lr: 4e-3}
    schedule: {warmup: 15}
    eval_every: 50
    checkpoint_every: 50
    out: $dir/train
  analysis:
    kind: analyze
    model: \${train.out}/model
    data: $sample/parallel
    perplexity: true
    out: $dir/analysis
Y
cat "$dir/study.yaml"
polymoe submit --parsable "$dir/study.yaml" >"$dir/jobs"
while read -r id; do
    polymoe follow "$id" </dev/null
    polymoe wait "$id" </dev/null
done <"$dir/jobs"
polymoe list

say "Loss of the training run"
sed -n 's/.*"kind":"step","step":\([0-9]*\),.*"loss":\([0-9.]*\),.*/\1 \2/p' \
    "$dir/train/metrics.jsonl" |
    awk 'NR == 1 || NR % 25 == 0 { printf "step %4d  loss %.3f\n", $1, $2 }'

say "Perplexity of each language's held-out text"
awk -F, 'NR > 1 {
    if (!($2 in first)) { first[$2] = $5; order[++n] = $2 }
    last[$2] = $5; step = $1
} END {
    printf "%-10s %10s %10s\n", "language", "step 0", "step " step
    for (i = 1; i <= n; i++)
        printf "%-10s %10.1f %10.1f\n", order[i], first[order[i]],
            last[order[i]]
}' "$dir/train/results/heldout.csv"

say "Results"
polymoe report "$dir/analysis"
