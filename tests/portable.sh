#!/bin/sh
# portable.sh KERNEL_PROGRAM... -- OTHER... - run the tests that need a device
# again, on other OpenCL implementations and on devices made to look smaller;
# one line each.  What ends in .test is a script.  Sizes are small
# (POLYMOE_QUICK) unless that is set to the empty string.
#
# An interpreter checks every access of a kernel, and is slow: it runs only
# the programs before the --, which do little beside calling kernels.
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

# Run a program or a script under a wrapper; 124 after ten minutes.
run() {
    program=$1
    shift
    case $program in
    *.test) timeout 600 "$@" ${SHELL:-sh} "$srcdir/$program" ;;
    *) timeout 600 "$@" "./$program" ;;
    esac >"$work/out" 2>&1 </dev/null
}

# variant NAME PROGRAMS WRAPPER... - all programs, counted.
variant() {
    name=$1 programs=$2
    shift 2
    pass=0 fail=0 skip=0 which=
    for program in $programs; do
        : >"$work/report"
        run "$program" "$@"
        status=$?
        if test $status -eq 77; then
            skip=$((skip + 1))
        elif test $status -ne 0 || test -s "$work/report"; then
            fail=$((fail + 1))
            which="$which $program"
            { cat "$work/out" "$work/report"; echo "status $status"; } |
                sed "s|^|    $program: |" >&2
        else
            pass=$((pass + 1))
        fi
    done
    say "$name" $pass $fail $skip "${which# }"
}

kernels= others= seen=
for program; do
    case $program in
    --) seen=yes ;;
    *) test -z "$seen" && kernels="$kernels $program" ||
        others="$others $program" ;;
    esac
done
POLYMOE_CACHE_DIR=$work/cache
POLYMOE_QUICK=${POLYMOE_QUICK-1}
export POLYMOE_CACHE_DIR POLYMOE_QUICK

# has DEVICE ENVIRONMENT... - is there such a device?
has() {
    device=$1
    shift
    env "$@" ./polymoe devices -d "$device" >/dev/null 2>&1
}

if has vendor=pocl; then
    for method in loops loopvec; do
        variant $method "$kernels $others" \
            env POCL_WORK_GROUP_METHOD=$method \
            POCL_CACHE_DIR="$work/$method" POLYMOE_DEVICE=vendor=pocl
    done
else
    echo "pocl         skipped: not installed"
fi
if has llvmpipe RUSTICL_ENABLE=llvmpipe; then
    variant rusticl "$kernels $others" \
        env RUSTICL_ENABLE=llvmpipe POLYMOE_DEVICE=llvmpipe
else
    echo "rusticl      skipped: not installed"
fi
if command -v oclgrind >/dev/null 2>&1; then
    variant oclgrind "$kernels" oclgrind --data-races --log "$work/report"
else
    echo "oclgrind     skipped: not installed"
fi
for group in 16 64 128 256; do
    variant group-$group "$kernels" env POLYMOE_MAX_GROUP=$group
done
variant poison "$kernels $others" env POLYMOE_POISON=1
variant no-fp "$kernels $others" env POLYMOE_NO_FP=1
exit $bad
