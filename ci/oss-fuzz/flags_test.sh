#!/usr/bin/env bash
# Tests that FENCEBENCH_SANITIZER=external compiles with the caller's flags and no others, links the caller's engine,
# and needs no package of the tests or of the command. Configures only.
# Usage: flags_test.sh SCRATCH-FOLDER C++-COMPILER
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$1
compiler=$2
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# configure FLAGS ENGINE: its commands are in $commands then.
configure() {
  rm -rf "$scratch"
  if ! env -u LDFLAGS CXX="$compiler" CC="${compiler/clang++/clang}" CFLAGS="$1" CXXFLAGS="$1" \
    cmake -G Ninja -S "$root" -B "$scratch" -DCMAKE_BUILD_TYPE= -DFENCEBENCH_SANITIZER=external \
    "-DFENCEBENCH_FUZZING_ENGINE=$2" -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_SQLiteCpp=ON > "$scratch.log" 2>&1; then
    tail -n 20 "$scratch.log"
    echo "FAILED: does not configure with '$1' and '$2'"
    exit 1
  fi
  commands=$(ninja -C "$scratch" -t commands userq_fuzzer assemble make_dictionary)
  compiled=$(grep -e ' -c ' <<< "$commands")
}

configure "-O1 -DOURS=1" "-DENGINE_FLAG -ldl"
[[ $(grep -c . <<< "$compiled") -gt 60 ]] || fail "hardly anything is compiled"
others=$(tr ' ' '\n' <<< "$compiled" | sort -u | grep -vx -e -O1 |
  grep -xE -e '-(O|g|W|fsanitize|fno-sanitize|fprofile|fcoverage|flto|fno-rtti|mllvm|D_GLIBC).*' | tr '\n' ' ' || true)
[[ -z $others ]] || fail "flags of our own: $others"
[[ $(grep -c -e ' -O1 -DOURS=1 ' <<< "$compiled") == $(grep -c . <<< "$compiled") ]] || fail "not everything has the caller's flags"
[[ $commands != *ccache* && $commands != *--ld-path* ]] || fail "a compiler cache or a linker of our own"
[[ $(grep -cE -e '-DENGINE_FLAG +-ldl' <<< "$commands") == 1 ]] || fail "the engine is not linked to the target alone"
grep -qx userq_fuzzer "$scratch/fuzz_targets.txt" || fail "fuzz_targets.txt does not name userq_fuzzer"

configure "-fsanitize=thread" "/engine/library.a"
executor=$(grep -e 'unobserved/core/sched/fiber.cc' <<< "$compiled")
driver=$(grep -e 'core/dma/fence.cc' <<< "$compiled")
[[ $executor == *" -fno-sanitize=thread "* && $executor == *FENCEBENCH_TSAN_RUNTIME* ]] || fail "TSan watches the executor"
[[ $driver != *-fno-sanitize* && $driver != *unobserved* ]] || fail "the driver is not watched"
[[ $commands == *" /engine/library.a "* ]] || fail "a library as engine is not linked"

rm -rf "$scratch" "$scratch.log"
[[ $failures == 0 ]]
