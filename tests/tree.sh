#!/bin/sh
# tree.sh SOURCES FLAGS... - `make check-tree`: build what make dist packs, from a
# tree that cannot be written to: once beside it, once with the tree and the
# build folder behind symbolic links.  FLAGS are those of configure.
#
# Fails when a build changed the tree, which a superuser could, when the two
# install different files, or when the tests that read the tree fail.
set -u
sources=$(cd "$1" && pwd) || exit 1
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/polymoe-tree-XXXXXX") || exit 1
cleanup() {
    chmod -R u+w "$sources"
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

fail() {
    echo "FAIL: $*"
    exit 1
}

# What stands in the tree: every file and its bytes, every folder.
contents() {
    (cd "$sources" && find . -type f -exec cksum {} + && find . -type d) | sort
}

# built NAME SOURCES FOLDER - configure, build, try and install.
built() {
    name=$1 from=$2 folder=$3
    shift 3
    (
        cd "$folder" && "$from/configure" "$@" && make -j"$jobs" &&
            make -j"$jobs" check TESTS='tests/man.test tests/quartet.test' \
                check_PROGRAMS= && make install DESTDIR="$work/$name"
    ) >"$work/log" 2>&1 </dev/null || {
        tail -n 40 "$work/log"
        fail "the build $name"
    }
    (cd "$work/$name" && find . ! -type d) | sort >"$work/$name.list"
    printf '%-12s %d files installed\n' "$name" "$(wc -l <"$work/$name.list")"
}

contents >"$work/before"
chmod -R a-w "$sources"
mkdir "$work/plain.d" "$work/linked.d"
ln -s "$sources" "$work/tree"
ln -s linked.d "$work/build"
built plain "$sources" "$work/plain.d" "$@"
built linked ../tree "$work/build" "$@"
contents >"$work/after"
cmp "$work/before" "$work/after" >&2 || {
    diff "$work/before" "$work/after"
    fail "a build changed the source tree"
}
diff "$work/plain.list" "$work/linked.list" ||
    fail "the two builds install different files"
