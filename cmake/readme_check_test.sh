#!/bin/sh
# Tests readme_check.sh on small trees: each planted fault must be named, and the nearest correct row
# must pass. Usage: readme_check_test.sh SCRATCH-FOLDER
set -eu
check=$(dirname "$0")/readme_check.sh
scratch=$1
failures=0

rm -rf "$scratch"
mkdir -p "$scratch/core/dma" "$scratch/fuzz"
echo 'int fence_wait();' > "$scratch/core/dma/fence.h"
echo 'TEST(FenceWait, EndsWithTheSignal) {}' > "$scratch/core/dma/fence_test.cc"

# try ROW EXPECTED: a table of that row; EXPECTED is part of the output, or `passes`.
try() {
  printf '| upstream | here | test |\n| --- | --- | --- |\n%s\n' "$1" > "$scratch/core/README.md"
  status=0
  output=$(sh "$check" "$scratch" 2>&1) || status=$?
  case $2:$status in
    passes:0) return ;;
    passes:*) ;;
    *:1) case $output in *"$2"*) return ;; esac ;;
  esac
  echo "row: $1"
  echo "expected: $2, got status $status: $output"
  failures=$((failures + 1))
}

try '| wait | `fence_wait` | `fence: EndsWith…` |' passes
try '| wait | `fence_wait` | `fence` |' passes
try '| wait | `fence_wait` | `fence: FenceWait.EndsWithTheSignal`, `EndsWith…` |' passes
try '| wait | `fence_wait` | `fence: NeverEnds` |' 'has no case NeverEnds'
try '| wait | `fence_wait` | `fence: EndsWith…`, `NeverEnds` |' 'has no case NeverEnds'
try '| wait | `fence_wait` | |' 'names no test'
try '| wait | `fence_wait` | `array: EndsWith…` |' 'names no test'
try '| wait | `fence_sleep` | `fence` |' 'nothing in core is called fence_sleep'
[ "$failures" -eq 0 ] && echo 'all as expected'
exit "$failures"
