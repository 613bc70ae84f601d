#!/usr/bin/env bash
# Tests ci/check_build: a small target passes, and with each fault planted the check fails and names it. Takes about
# a minute on two idle cores, so no part of ctest. Usage: ci/check_build_test.sh [SCRATCH-FOLDER]
set -euo pipefail

check=$(cd "$(dirname "$0")" && pwd)/check_build
scratch=$(realpath -m "${1:-/tmp/check_build_test}")
compiler=${CXX:-$({ compgen -c clang++- | grep -x 'clang++-[0-9]*'; compgen -c clang++; } | sort -rV | head -n 1)}
failures=0
rm -rf "$scratch"
mkdir -p "$scratch/good" "$scratch/seeds"

# With enough branches and accesses to be a target; X crashes it. It learns from its first four bytes.
{
  echo '#include <cstddef>'
  echo '#include <cstdint>'
  echo 'static volatile uint8_t table[4096];'
  for i in $(seq 400); do
    echo "__attribute__((noinline)) static int f$i(const uint8_t* d, size_t n) {"
    echo "  if (n > $((i % 4)) && d[$((i % 4))] == $((i % 251))) table[d[0] * $i % 4096] = d[n - 1];"
    echo "  return table[n * $i % 4096] + (n > 2 ? d[2] : 0); }"
  done
  echo 'extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) { int sum = 0;'
  for i in $(seq 400); do echo "sum += f$i(d, n);"; done
  echo '  if (n && d[0] == 88) __builtin_trap();'
  echo '#ifdef DATA'
  echo '  table[sum & 7] = static_cast<uint8_t>(sum);'
  echo '#endif'
  echo '  return 0; }'
  echo '#ifdef DATA'
  echo '#include <cstdio>'
  echo '#include <cstdlib>'
  echo 'extern "C" int LLVMFuzzerInitialize(int*, char***) { if (!std::fopen(DATA, "r")) std::abort(); return 0; }'
  echo '#endif'
} > "$scratch/toy.cc"

# compile RESULT FLAG...
compile() {
  local result=$1
  shift
  "$compiler" -O1 -Wno-unused-command-line-argument "$@" -c "$scratch/toy.cc" -o "$scratch/toy.o"
  "$compiler" "$@" "$scratch/toy.o" -o "$result" -fsanitize=fuzzer
}
address=(-fsanitize=address -fsanitize=fuzzer-no-link -static-libstdc++)
compile "$scratch/good/toy_fuzzer" "${address[@]}"
for i in 1 2 3; do printf "%b" "\\x0$i\\x1$i\\x2$i\\x3$i" > "$scratch/seeds/$i"; done
(cd "$scratch/seeds" && zip -q ../good/toy_fuzzer_seed_corpus.zip 1 2 3)
printf '# of a toy\none="\\x01\\""\n' > "$scratch/good/toy_fuzzer.dict"
printf '[libfuzzer]\ndict = toy_fuzzer.dict\nmax_len = 64\n\n[asan]\nquarantine_size_mb = 10\n' > "$scratch/good/toy_fuzzer.options"
echo 'fun:*f[0-9]*' > "$scratch/ignored"
cat > "$scratch/canary.cc" <<'CANARY'
#include <unistd.h>
#include <cstdint>
#include <cstdlib>
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char report[] = "SUMMARY: fencebench: canary canary_fuzzer\n";
  if (size > 0 && data[0] == '!' && write(2, report, sizeof report - 1) > 0 && FAILS) abort();
  return 0;
}
CANARY
for fails in 0 1; do
  "$compiler" "${address[@]}" -DFAILS=$fails "$scratch/canary.cc" -o "$scratch/canary$fails" -fsanitize=fuzzer
done

# try EXPECTED PLANT [ARGUMENT...]: the check of a copy in which PLANT was done says EXPECTED; `passes`: nothing.
try() {
  local expected=$1 plant=$2 status=0 output
  shift 2
  rm -rf "$scratch/out"
  cp -r "$scratch/good" "$scratch/out"
  (cd "$scratch/out" && eval "$plant")
  output=$(env -u WORK SANITIZER=address FUZZING_ENGINE=libfuzzer ARCHITECTURE="${architecture:-$(uname -m)}" \
    "$check" --targets toy_fuzzer "$@" "$scratch/out" 2>&1) || status=$?
  if [[ ! -d $scratch/out ]]; then
    output+=$'\n'"the folder is not back in its place"
  elif [[ $expected == passes && $status == 0 || $expected != passes && $status == 1 && $output == *"$expected"* ]]; then
    return
  fi
  printf 'FAILED: %s\n  expected: %s\n  exit %s: %s\n' "$plant" "$expected" "$status" "$output"
  failures=$((failures + 1))
}

try passes true --canary "$scratch/canary1"
try 'runs to its end' true --canary "$scratch/canary0"
try 'toy_fuzzer: is not there' 'rm toy_fuzzer'
try 'calls of asan, fewer than' 'compile toy_fuzzer -fsanitize=fuzzer-no-link -static-libstdc++'
# shellcheck disable=SC2016  # expanded when it is planted
try 'calls of ubsan in a build for address' 'compile toy_fuzzer "${address[@]}" -fsanitize=undefined -fno-sanitize=vptr'
# shellcheck disable=SC2016
try 'libFuzzer learns nothing' 'compile toy_fuzzer -fsanitize=address -static-libstdc++'
# Most of it without: only one function stays that the engine learns from.
# shellcheck disable=SC2016
try 'edges, fewer than' 'compile toy_fuzzer "${address[@]}" "-fsanitize-coverage-ignorelist=$scratch/ignored"'
try 'loads libstdc++.so.6' 'compile toy_fuzzer -fsanitize=address -fsanitize=fuzzer-no-link'
try passes 'compile toy_fuzzer -fsanitize=address -fsanitize=fuzzer-no-link' --system-library libstdc++.so.6
# shellcheck disable=SC2016
try "holds the absolute path $scratch/out" 'touch data; compile toy_fuzzer "${address[@]}" "-DDATA=\"$PWD/data\""'
# shellcheck disable=SC2016
try 'cannot start from an empty corpus' 'compile toy_fuzzer "${address[@]}" "-DDATA=\"/nowhere\""'
try 'fails on its seeds' 'printf Xabc > 4; zip -q toy_fuzzer_seed_corpus.zip 4; rm 4'
try '_seed_corpus.zip is missing' 'rm toy_fuzzer_seed_corpus.zip'
try 'cannot be unpacked, or is empty' 'echo text > toy_fuzzer_seed_corpus.zip'
try 'seeds are there twice' 'cp ../seeds/1 again; zip -q toy_fuzzer_seed_corpus.zip again; rm again'
try '.dict is missing or empty' ': > toy_fuzzer.dict'
try '.dict, line 3' "printf 'two=\"\\\\q\"\\n' >> toy_fuzzer.dict"
try 'an entry of more than 64 bytes' "printf 'long=\"%065d\"\\n' 1 >> toy_fuzzer.dict"
try '.options is missing or empty' 'rm toy_fuzzer.options'
try '.options, line 7' 'echo nonsense >> toy_fuzzer.options'
try 'switches leak detection off' 'echo "detect_leaks = 0" >> toy_fuzzer.options'
try 'does not know it' 'sed -i "s/max_len/maximal_length/" toy_fuzzer.options'
try 'names the dictionary other.dict' 'sed -i "s/toy_fuzzer.dict/other.dict/" toy_fuzzer.options'
try 'is in the folder' 'cp toy_fuzzer other_fuzzer'
architecture=riscv64 try 'not for riscv64' true

rm -rf "$scratch"
if ((failures > 0)); then exit 1; fi
echo "check_build_test: all faults are found"
