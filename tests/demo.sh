#!/bin/sh
# demo.sh - a whole study in small, on the sample: a daemon; a model trained
# from nothing on seven languages; its routing analysed; Catalan taught to the
# experts of its sister language, against two controls; all of them evaluated;
# and one report.
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
high="en ar cs es fi hi ru"
adapted="ssft random layers"
rm -rf "$dir/text" "$dir/heldout" "$dir/all" "$dir/ca" "$dir/train" \
    "$dir/analysis" "$dir/report" "$dir/base" "$dir/eval"
mkdir -p "$dir/text" "$dir/heldout" "$dir/ca" "$dir/all"
split() { # LANGUAGE TRAIN-DIR HELDOUT-DIR
    sed -n '1,216p' "$sample/parallel/$1.txt" >"$2/$1.txt"
    sed -n '217,$p' "$sample/parallel/$1.txt" >"$3/$1.txt"
}
for l in $high; do
    split "$l" "$dir/text" "$dir/heldout"
    cp "$dir/heldout/$l.txt" "$dir/all"
done
split ca "$dir/ca" "$dir/all"

# One adaptation and its evaluation: NAME, and what it trains.
adaptation() {
    rm -rf "${dir:?}/$1"
    cat <<Y
  $1:
    kind: adapt
    model: \${train.out}/model
    data: $dir/ca
    heldout: {ca: $dir/all/ca.txt}
    window: 128
    batch: 8
    max_steps: ${POLYMOE_DEMO_ADAPT_STEPS:-50}
    optimizer: {lr: 2e-3}
    eval_every: 20
    adapt: {$2}
    out: $dir/$1
  $1-eval:
    kind: evaluate
    model: \${$1.out}/adapter
$(evaluation "$dir/eval/$1")
Y
}
evaluation() {
    cat <<Y
    perplexity: {data: $dir/all, window: 128}
    multiblimp:
      data:
        ca: $sample/minimal_pairs/cat.tsv
        es: $sample/minimal_pairs/spa.tsv
    belebele:
      data:
        ca: $sample/belebele/cat_Latn.jsonl
        es: $sample/belebele/spa_Latn.jsonl
    limit: 40
    out: $1
Y
}

say "A study: train, analyse, adapt to Catalan, evaluate"
mkdir "$dir/eval"
from="from: \"\${analysis.out}/results/experts.json\", language: ca"
{
    cat <<Y
tokenizer: $sample/tokenizer.json
jobs:
  train:
    kind: pretrain
    model: $sample/model/config.json       # its architecture, new weights
    init: olmo
    data: $dir/text
    heldout: $dir/heldout
    mixture: uniform
    window: 128
    batch: 16
    micro_batch: 16
    max_steps: ${POLYMOE_DEMO_STEPS:-160}
    optimizer: {lr: 4e-3}
    schedule: {warmup: 15}
    eval_every: 40
    checkpoint_every: 80
    out: $dir/train
  analysis:
    kind: analyze
    model: \${train.out}/model
    data: $sample/parallel
    parallel: $sample/parallel
    window: 128
    high: [en, ar, cs, es, fi, hi, ru]
    parents: {ca: es, et: fi, mr: hi, sk: cs, uk: ru, ur: ar, nl: en}
    perplexity: true
    max_tokens: 4864                       # as many of each language
    out: $dir/analysis
Y
    adaptation ssft "strategy: ssft, shared: 3, $from"
    adaptation random "strategy: random, $from"
    adaptation layers "strategy: final_layers"
    printf '  base-eval:\n    kind: evaluate\n    model: ${train.out}/model\n'
    evaluation "$dir/eval/base"
} >"$dir/study.yaml"
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
    awk 'NR == 1 || NR % 20 == 0 { printf "step %4d  loss %.3f\n", $1, $2 }'

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

say "Which experts each language uses"
polymoe report --tables "$dir/analysis"

say "Catalan before and after, by what was trained"
heldout() { # of evaluations: perplexity of a language
    awk -F, -v l="$2" '$1 ~ /perplexity/ && $2 == l && $3 == "perplexity" {
        print $4; exit }' "$dir/eval/$1/results/evaluation.csv"
}
printf '%-10s %12s %12s %12s\n' model parameters 'ca' 'es'
for m in base $adapted; do
    n=-
    [ "$m" = base ] || n=$(sed -n 's/^ *"parameters": \([0-9]*\).*/\1/p' \
        "$dir/$m/adapter/adapter.json")
    printf '%-10s %12s %12.1f %12.1f\n' "$m" "$n" "$(heldout $m ca)" \
        "$(heldout $m es)"
done

say "The report"
set -- "$dir/analysis" "$dir/train"
for m in $adapted; do set -- "$@" "$dir/$m" "$dir/eval/$m"; done
polymoe report --out "$dir/report" \
    --title "A study in small: seven languages, then Catalan" "$@" "$dir/eval/base" |
    sed -n "/^Figures:/p; /^Report:/p"
