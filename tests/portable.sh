#!/bin/sh
# portable.sh KERNEL_PROGRAM... -- OTHER... - run the tests that need a device
# again, on other OpenCL implementations and on devices made to look smaller;
# one line each, with a mark for every program that has ended: . passed, F
# failed, s skipped.  What ends in .test is a script.  Sizes are small
# (POLYMOE_QUICK) unless that is set to the empty string.
#
# An interpreter checks every access of a kernel, and is slow: it runs only
# the programs before the --, which do little beside calling kernels.  So do
# very small groups; above 64 the size of a group changes nothing, since no
# kernel asks for more.
#
# A program fails that takes longer than $LIMIT seconds (1200); the limits of
# single tests are ten times what they are elsewhere.
#
# Each PoCL method has a cache of its own: PoCL would reuse what another
# method compiled.  As many programs run at once as there are cores, since most
# of the time goes into a compiler with one thread.
#
# $VARIANTS names the ones to run (all): VARIANTS="loops poison".
set -u
LIMIT=${LIMIT:-1200}
CK_TIMEOUT_MULTIPLIER=10
export LIMIT CK_TIMEOUT_MULTIPLIER

# portable.sh --one FOLDER WRAPPER... PROGRAM - for itself: run one, leave its
# status, output and report in FOLDER, and its mark on standard output; 124 after
# $LIMIT seconds.  The word REPORT in WRAPPER is where an interpreter writes what
# it found, which is a failure too.
if test "${1:-}" = --one; then
    folder=$2
    shift 2
    for program; do :; done
    base=$folder/$(basename "$program")
    : >"$base.report"
    for word; do
        shift
        case $word in
        REPORT) set -- "$@" "$base.report" ;;
        *.test) set -- "$@" "${SHELL:-sh}" "$srcdir/$word" ;;
        "$program") set -- "$@" "./$word" ;;
        *) set -- "$@" "$word" ;;
        esac
    done
    timeout "$LIMIT" "$@" >"$base.out" 2>&1 </dev/null
    status=$?
    test $status -ne 0 || test ! -s "$base.report" || status=1
    echo $status >"$base.status"
    case $status in
    0) printf . ;;
    77) printf s ;;
    *) printf F ;;
    esac
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/polymoe-portable-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
bad=0
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

wanted() {
    case " ${VARIANTS:-$1} " in *" $1 "*) ;; *) return 1 ;; esac
}

# variant NAME PROGRAMS WRAPPER... - all programs, counted.
variant() {
    name=$1 programs=$2
    shift 2
    wanted "$name" || return
    mkdir "$work/$name.d"
    pass=0 fail=0 skip=0 which= begin=$(date +%s)
    printf '%-12s ' "$name"
    for program in $programs; do
        echo "$program"
    done | xargs -P "$jobs" -n 1 "${SHELL:-sh}" "$0" --one "$work/$name.d" "$@"
    for program in $programs; do
        base=$work/$name.d/$(basename "$program")
        case $(cat "$base.status" 2>/dev/null) in
        0) pass=$((pass + 1)) ;;
        77) skip=$((skip + 1)) ;;
        *) fail=$((fail + 1)) which="$which $program" ;;
        esac
    done
    printf ' %d passed, %d failed, %d skipped, %d s%s\n' $pass $fail $skip \
        $(($(date +%s) - begin)) "${which:+:$which}"
    for program in $which; do
        base=$work/$name.d/$(basename "$program")
        { cat "$base.out" "$base.report"; echo "status $(cat "$base.status")"; } |
            sed "s|^|    $program: |" >&2
        bad=1
    done
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
    variant oclgrind "$kernels" oclgrind --data-races --log REPORT
else
    echo "oclgrind     skipped: not installed"
fi
for group in 1 16; do
    variant group-$group "$kernels" env POLYMOE_MAX_GROUP=$group
done
variant group-64 "$kernels $others" env POLYMOE_MAX_GROUP=64
variant poison "$kernels $others" env POLYMOE_POISON=1
variant no-fp "$kernels $others" env POLYMOE_NO_FP=1
exit $bad
