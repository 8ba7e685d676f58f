#!/bin/sh
# summary.sh LOG... - add up the results of a test run in one plain line.
set -eu
pass=0 fail=0 skip=0
for trs; do
    case $(sed -n 's/^:global-test-result: *//p' "$trs") in
    PASS) pass=$((pass + 1)) ;;
    SKIP) skip=$((skip + 1)) ;;
    *) fail=$((fail + 1)) ;;
    esac
done
echo "$pass passed, $fail failed, $skip skipped"
