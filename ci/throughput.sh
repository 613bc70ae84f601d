#!/usr/bin/env bash
# Executions per second of userq_fuzzer while it fuzzes from a corpus, beside a libFuzzer target that does
# nothing and mutates the same way, in each build, all in one run.
# Usage: ci/throughput.sh [CORPUS_FOLDER]   (default: the seeds). Rounds alternate; medians are printed.
set -euo pipefail
cd "$(dirname "$0")/.."
corpus=${1:-build/release/corpus/userq_fuzzer}
rounds=5
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Executions per second over RUNS executions from a fresh copy of the corpus, always with the same seed.
rate() {
  local binary=$1 runs=$2 start end
  rm -rf "$scratch/corpus"
  cp -r "$corpus" "$scratch/corpus"
  start=$(date +%s%N)
  "$binary" -seed=1 -runs="$runs" -reload=0 "$scratch/corpus" > "$scratch/log" 2>&1
  end=$(date +%s%N)
  echo $(( runs * 1000000000 / (end - start) ))
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$(( ($# + 1) / 2 ))p"; }

for preset in release asan tsan; do
  cmake --preset "$preset" > /dev/null
  cmake --build --preset "$preset" --target userq_fuzzer empty_fuzzer corpus > /dev/null
done
printf '%-8s %14s %14s %8s\n' build userq_fuzzer empty_fuzzer ratio
for preset in release asan tsan; do
  targets=build/$preset/fuzz/targets
  userq='' empty=''
  for ((round = 0; round < rounds; round++)); do
    userq+=" $(rate "$targets/userq_fuzzer" 30000)"
    empty+=" $(rate "$targets/empty_fuzzer" 300000)"
  done
  userq=$(median $userq)
  empty=$(median $empty)
  printf '%-8s %14d %14d %8s\n' "$preset" "$userq" "$empty" "1/$(( empty / userq ))"
done
