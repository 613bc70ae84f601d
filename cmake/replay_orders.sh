#!/bin/sh
# Executes files on a target in three orders, within one process: forwards, backwards, and shuffled.
# What a run does must not depend on the runs before it, so each file must have the same trace hash
# three times. Usage: replay_orders.sh TARGET FILE...; exit 1 and the files if some differ.
set -u
target=$1
shift
forwards=$(printf '%s\n' "$@" | LC_ALL=C sort)
backwards=$(printf '%s\n' "$@" | LC_ALL=C sort -r)
# By a checksum of the name: mixed, and the same each time.
shuffled=$(printf '%s\n' "$@" | while IFS= read -r file; do
  printf '%s\t%s\n' "$(printf '%s' "$file" | cksum)" "$file"
done | LC_ALL=C sort | cut -f2)

IFS='
'
# shellcheck disable=SC2086
output=$(FENCEBENCH_OPTIONS=trace_hash=1 "$target" $forwards $backwards $shuffled 2>&1)
status=$?
if [ "$status" -ne 0 ]; then
  printf '%s\n' "$output"
  echo "replay_orders: $target ended with status $status"
  exit 1
fi
# libFuzzer says "Running: FILE" before it executes it.
printf '%s\n' "$output" | awk -v target="$target" -v files="$#" '
/^Running: / { file = substr($0, 10); runs[file]++ }
/^fencebench: trace / {
  seen++
  traces[file]++
  if (!(file in first)) first[file] = $3 " " $4
  else if (first[file] != $3 " " $4) {
    printf "replay_orders: %s: trace %s, after other inputs %s\n", file, first[file], $3 " " $4
    wrong++
  }
}
END {
  for (file in runs) {
    count++
    if (runs[file] != 3 || traces[file] < 3) {
      printf "replay_orders: %s: %d runs and %d traces, not 3\n", file, runs[file], traces[file]
      wrong++
    }
  }
  if (count != files) {
    printf "replay_orders: %d of %d files were executed\n", count, files
    wrong++
  }
  if (wrong) exit 1
  printf "%s: %d files, three orders, equal traces\n", target, count
}'
