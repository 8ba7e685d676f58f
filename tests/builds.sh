#!/bin/sh
# builds.sh FLAGS... - compile every C file with each compiler and language
# that is here, warnings being errors; one line each.  `make check-builds`
# gives it the flags of the build and what it takes to link.
#
# Nothing is written: compilers only look (-fsyntax-only).  musl's compiler
# finds the headers of other libraries behind its own.
set -u
bad=0
files=$(cd "$srcdir" && find lib daemon client tests -name '*.c' | sort)

# look NAME COMPILER FLAGS...
look() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null 2>&1; then
        printf '%-28s skipped: not installed\n' "$name"
        return
    fi
    if ! echo 'int x;' | "$@" -fsyntax-only -x c - 2>/dev/null; then
        printf '%-28s skipped: flags unknown\n' "$name"
        return
    fi
    failed=$(for file in $files; do
        echo "$file"
    done | xargs -P "$jobs" -n 8 sh -c '
        top=$1
        shift
        n=$1
        shift
        command=
        while test "$n" -gt 0; do
            command="$command $1"
            shift
            n=$((n - 1))
        done
        for file; do
            $command -fsyntax-only "$top/$file" >&2 || echo "$file"
        done' sh "$srcdir" $# "$@")
    if test -n "$failed"; then
        printf '%-28s failed: %s\n' "$name" "$(echo $failed)"
        bad=1
    else
        printf '%-28s %d files\n' "$name" "$(echo "$files" | wc -l)"
    fi
}

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
strict='-Werror -Wall -Wextra'
look 'gcc -std=c11 -pedantic' gcc "$@" $strict -std=c11 -pedantic
look 'gcc -std=gnu2x' gcc "$@" $strict -std=gnu2x
look 'clang -std=c11 -pedantic' clang "$@" $strict -std=c11 -pedantic
look 'musl-gcc -std=c11' musl-gcc "$@" $strict -std=c11 \
    -idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)"
exit $bad
