#!/bin/sh
# install.sh - try out an installed polymoe: `make installcheck`.
#
# From the Makefile: $pkgconfigdir, $bindir, $sbindir, $pkglibexecdir,
# $pkgdatadir and $mandir, $DESTDIR before each when it was given to make
# install; $CC.  A program is compiled with what pkg-config says, and a job
# runs through the installed daemon.
set -u
root=${DESTDIR:-}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/polymoe-install-XXXXXX") || exit 1
chmod 700 "$tmp"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
fail() {
    echo "FAIL: $*"
    exit 1
}

PATH=$root$bindir:$root$sbindir:$PATH
PKG_CONFIG_PATH=$root$pkgconfigdir${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PATH PKG_CONFIG_PATH
sample=$root$pkgdatadir/sample
# --define-prefix would be shorter, and not every pkg-config has it.
cflags=$(pkg-config --cflags polymoe) || fail "pkg-config --cflags polymoe"
libs=$(pkg-config --libs polymoe) || fail "pkg-config --libs polymoe"
if test -n "$root"; then
    cflags=$(echo "$cflags" | sed "s|-I/|-I$root/|g")
    libs=$(echo "$libs" | sed "s|-L/|-L$root/|g")
fi

cat >"$tmp/count.c" <<'C'
#include <polymoe/polymoe.h>
#include <polymoe/model.h>
#include <polymoe/routing.h>
#include <polymoe/tokenizer.h>

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    struct moe_err err = {0};
    struct moe_tokenizer *t = NULL;
    struct moe_ids ids = {0};
    struct moe_text text = {0};
    const char *in = "one sentence, two clauses";
    if (argc != 2 || moe_tokenizer_load(&err, &t, argv[1]) ||
        moe_tokenizer_encode(&err, t, &ids, in, strlen(in), NULL) ||
        moe_tokenizer_decode(&err, t, &text, ids.id, ids.n, false)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    puts(text.s);
    moe_text_free(&text);
    moe_ids_free(&ids);
    moe_tokenizer_destroy(&t);
    return 0;
}
C
# The flags are words.
${CC:-cc} $cflags -o "$tmp/count" "$tmp/count.c" $libs ||
    fail "a program does not compile or link: $cflags $libs"
dir=$(echo "$libs" | sed 's/.*-L\([^ ]*\).*/\1/')
LD_LIBRARY_PATH=$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
"$tmp/count" "$sample/model" >"$tmp/out" || fail "the program failed"
grep -qx 'one sentence, two clauses' "$tmp/out" ||
    fail "the program says: $(cat "$tmp/out")"

polymoe --version | grep -qF "$(pkg-config --modversion polymoe)" ||
    fail "polymoe and pkg-config disagree about the version"
for page in man1/polymoe.1 man5/polymoe-job.5 man8/polymoed.8; do
    test -f "$root$mandir/$page" || fail "no page $page"
done
for file in LICENSE model/model.safetensors parallel/en.txt; do
    test -f "$sample/$file" || fail "no $sample/$file"
done

if polymoe devices >/dev/null 2>&1; then
    test -z "$root" || POLYMOE_WORKER=$root$pkglibexecdir/polymoe-worker
    test -z "$root" || export POLYMOE_WORKER
    POLYMOE_STATE_DIR=$tmp/state
    POLYMOE_CACHE_DIR=$tmp/cache
    export POLYMOE_STATE_DIR POLYMOE_CACHE_DIR
    printf '%s\n' 'kind: analyze' "model: $sample/model" \
        "data: {en: $sample/parallel/en.txt, ca: $sample/parallel/ca.txt}" \
        'window: 100' 'max_tokens: 300' >"$tmp/job.yaml"
    polymoed >"$tmp/log" 2>&1 &
    daemon=$!
    n=0
    until polymoe status >/dev/null 2>&1; do
        n=$((n + 1))
        test $n -lt 100 || fail "polymoed does not answer: $(cat "$tmp/log")"
        sleep 0.1
    done
    polymoe submit "$tmp/job.yaml" >/dev/null && polymoe wait 1 >/dev/null ||
        {
            polymoe show 1
            polymoe shutdown --now >/dev/null
            fail "job 1"
        }
    polymoe shutdown >/dev/null
    wait $daemon || fail "polymoed ended with $?"
fi
echo "the installed polymoe works"
