#!/bin/sh
# Tests layer_check.sh on small trees: each planted breach must be named with its place, and the
# nearest correct line must pass. Usage: layer_check_test.sh SCRATCH-FOLDER
set -eu
check=$(dirname "$0")/layer_check.sh
scratch=$1
failures=0

# try FILE LINE EXPECTED: a tree in which FILE consists of LINE; EXPECTED is part of the output, or
# `passes`.
try() {
  rm -rf "$scratch"
  for file in core/sched/a.h core/kernel/b.h core/userq/c.h core/sut.h fuzz/program/d.h fuzz/tool/e.h; do
    mkdir -p "$scratch/${file%/*}"
    : >"$scratch/$file"
  done
  printf '\n%s\n' "$2" >"$scratch/$1"
  status=0
  output=$(sh "$check" "$scratch" 2>&1) || status=$?
  case $3:$status in
    passes:0) return ;;
    passes:*) ;;
    *:1) case $output in *"$1:2: "*"$3"*) return ;; esac ;;
  esac
  printf 'FAILED: %s with the line  %s\n  expected: %s\n  exit %s: %s\n' "$1" "$2" "$3" "$status" "$output"
  failures=$((failures + 1))
}

try core/kernel/x.cc '#include "core/sched/a.h"' passes
try core/kernel/x.cc '#include "core/kernel/b.h"' passes
try core/sched/x.cc '#include "core/kernel/b.h"' 'core/sched/ may include only from itself'
try core/sched/x.cc '  #  include <core/kernel/b.h>' 'core/sched/ may include only from itself'
try core/sched/x.cc '// #include "core/kernel/b.h"' passes
try core/sut.cc '#include "core/userq/c.h"' passes
try core/userq/x.cc '#include "core/sut.h"' 'not from core/sut'
try fuzz/program/x.cc '#include "core/sut.h"' passes
try fuzz/program/x.cc '#include "fuzz/tool/e.h"' 'fuzz/program/ may include only from itself'
try core/kernel/x.cc '#include "b.h"' 'from the root of the repository'
try core/kernel/x.cc '#include "core/kernel/none.h"' 'no such file'
try core/kernel/x.cc '#include <fmt/core.h>' 'core links nothing but'
try core/kernel/x_test.cc '#include <gtest/gtest.h>' passes
try core/sched/x.cc '#include <boost/context/detail/fcontext.hpp>' passes
try core/kernel/x.cc '#include <boost/context/detail/fcontext.hpp>' 'core links nothing but'
try fuzz/tool/x.cc '#include <fmt/core.h>' passes
try core/stray.cc '#include <vector>' 'lies in no layer'

rm -rf "$scratch"
[ $failures -eq 0 ]
