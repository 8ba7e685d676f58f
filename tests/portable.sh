#!/bin/sh
# portable.sh PROGRAM... - run kernel tests again on other OpenCL
# implementations and on devices made to look smaller; one line each.
#
# Each PoCL method has a cache of its own: PoCL would reuse what another
# method compiled.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/polymoe-portable-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
bad=0

# say NAME PASSED FAILED SKIPPED
say() {
    printf '%-12s %d passed, %d failed, %d skipped%s\n' "$1" "$2" "$3" "$4" \
        "${5:+: $5}"
    test "$3" -eq 0 || bad=1
}

# variant NAME WRAPPER... -- sets pass, fail, skip over all programs.
variant() {
    name=$1
    shift
    pass=0 fail=0 skip=0 which=
    for program in $programs; do
        : >"$work/report"
        timeout 600 "$@" "./$program" >"$work/out" 2>&1 </dev/null
        status=$?
        if test $status -eq 77; then
            skip=$((skip + 1))
        elif test $status -ne 0 || test -s "$work/report"; then
            fail=$((fail + 1))
            which="$which $program"
            sed "s/^/    $program: /" "$work/out" "$work/report" >&2
        else
            pass=$((pass + 1))
        fi
    done
    say "$name" $pass $fail $skip "${which# }"
}

programs=$*
POLYMOE_CACHE_DIR=$work/cache
export POLYMOE_CACHE_DIR
for method in loops loopvec; do
    variant $method env POCL_WORK_GROUP_METHOD=$method \
        POCL_CACHE_DIR="$work/$method" POLYMOE_DEVICE=vendor=pocl
done
if env RUSTICL_ENABLE=llvmpipe POLYMOE_DEVICE=llvmpipe \
    ./polymoe devices -d llvmpipe >/dev/null 2>&1; then
    variant rusticl env RUSTICL_ENABLE=llvmpipe POLYMOE_DEVICE=llvmpipe
else
    echo "rusticl      not installed"
fi
if command -v oclgrind >/dev/null 2>&1; then
    variant oclgrind oclgrind --data-races --log "$work/report"
else
    echo "oclgrind     not installed"
fi
variant group-64 env POLYMOE_MAX_GROUP=64
variant group-16 env POLYMOE_MAX_GROUP=16
variant poison env POLYMOE_POISON=1
variant no-fp env POLYMOE_NO_FP=1
exit $bad
