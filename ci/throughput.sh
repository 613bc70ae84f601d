#!/usr/bin/env bash
# Executions per second of each target while it fuzzes, beside a libFuzzer target that does nothing and
# mutates the same way, in each build, all in one run. Rounds alternate; medians are printed.
# Usage: ci/throughput.sh [TARGET [CORPUS_FOLDER]]   (default: every target, from its seeds)
set -euo pipefail
cd "$(dirname "$0")/.."
presets='release asan tsan'
rounds=5
targets=${1:-$(basename -s .cc fuzz/targets/*_fuzzer.cc | grep -vx -e canary_fuzzer -e empty_fuzzer)}
corpus=${2-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Puts what TARGET starts from into the folder $scratch/TARGET: a corpus, or the seeds as bytes.
gather() {
  mkdir "$scratch/$1"
  if [ -n "$corpus" ]; then
    cp -r "$corpus/." "$scratch/$1"
    return
  fi
  for folder in "corpus/$1" "build/release/corpus/$1"; do
    [ ! -d "$folder" ] || find "$folder" -type f ! -name '*.fence' ! -name '*.steps' -exec cp -t "$scratch/$1" {} +
  done
}

# Executions per second of TARGET in a build over RUNS executions, from a fresh copy of what was gathered
# for FROM, always with the same seed.
rate() {
  local target=$1 preset=$2 runs=$3 from=$4 start end
  rm -rf "$scratch/corpus"
  cp -r "$scratch/$from" "$scratch/corpus"
  start=$(date +%s%N)
  if ! "build/$preset/fuzz/targets/$target" -seed=1 -runs="$runs" -reload=0 -artifact_prefix="$scratch/" \
    "$scratch/corpus" > "$scratch/log" 2>&1; then
    tail -n 20 "$scratch/log" >&2
    echo "throughput: $target ended early in the $preset build" >&2
    return 1
  fi
  end=$(date +%s%N)
  echo $(( runs * 1000000000 / (end - start) ))
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$(( ($# + 1) / 2 ))p"; }

for preset in $presets; do
  cmake --preset "$preset" > /dev/null
  cmake --build --preset "$preset" --target $targets empty_fuzzer corpus > /dev/null
done
for target in $targets; do gather "$target"; done
printf '%-8s %-20s %14s %14s %8s\n' build target executions/s empty_fuzzer ratio
for preset in $presets; do
  for target in $targets; do
    own='' empty=''
    for ((round = 0; round < rounds; round++)); do
      own+=" $(rate "$target" "$preset" 30000 "$target")"
      empty+=" $(rate empty_fuzzer "$preset" 300000 "$target")"
    done
    own=$(median $own)
    empty=$(median $empty)
    printf '%-8s %-20s %14d %14d %8s\n' "$preset" "$target" "$own" "$empty" "1/$(( empty / own ))"
  done
done
