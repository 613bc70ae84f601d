# shellcheck shell=bash
# The part of ci/check_build that each engine has its own of: check_ENGINE TARGET runs a target from nothing and
# from its seeds, canary_ENGINE runs $canary. Sourced by ci/check_build.
# shellcheck disable=SC2154,SC2034  # its variables

# Flags that the .options give libFuzzer, those of the runner first.
libfuzzer_flags() {
  echo "-rss_limit_mb=2560 -timeout=25"
  sed -n "/^\[libfuzzer\]/,/^\[/{s/^\([a-z_]*\) = \(.*\)$/-\1=\2/p}" "$moved/$1.options" | sed "s|^-dict=|-dict=$moved/|"
}

number_after() { grep -oE "$1" "$scratch/output" | tail -n 1 | grep -oE '[0-9]+' | tail -n 1; }

floor() {
  local target=$1
  row[edges]=${2:-0}
  row[reached]=${3:-0}
  ((row[edges] >= ${least_edges[$target]:-100})) ||
    problem "$target" "has ${row[edges]} edges, fewer than ${least_edges[$target]:-100}: part of it gives no feedback" \
      "compile the driver with CXXFLAGS as they are"
  ((row[reached] >= ${least_reached[$target]:-20})) ||
    problem "$target" "its seeds reach ${row[reached]} edges, fewer than ${least_reached[$target]:-20}" "are they the bytes that it reads?"
}

check_libfuzzer() {
  local target=$1 flags edges reached kept
  if [[ $sanitizer == coverage ]]; then
    check_coverage "$target"
    return
  fi
  mapfile -t flags < <(libfuzzer_flags "$target" | tr ' ' '\n')

  row[empty]=no
  mkdir -p "$scratch/nothing"
  if ! run 120 "$target" "${flags[@]}" -seed=1337 -runs=100 "$scratch/nothing"; then
    problem "$target" "cannot start from an empty corpus:"$'\n'"$(last_lines)" "run it: $target -runs=100"
    return
  fi
  if grep -q 'no interesting inputs' "$scratch/output" || ! grep -qE '^Done 100 runs' "$scratch/output"; then
    problem "$target" "runs, and libFuzzer learns nothing from it:"$'\n'"$(last_lines)" "compile with -fsanitize=fuzzer-no-link"
    return
  fi
  row[empty]=ok
  if grep -qE 'unrecognized flag|Warning: .*options' "$scratch/output"; then
    row[options]=no
    problem "$target" "$target.options: $(grep -A 3 -E 'unrecognized flag|Warning' "$scratch/output" | head -n 4 | tr '\n' ' ')" \
      "libFuzzer or the sanitizer does not know it"
  fi
  if ! grep -qE "^Dictionary: ${row[dict]} entries" "$scratch/output"; then
    problem "$target" "libFuzzer reads $(number_after '^Dictionary: [0-9]+') entries of $target.dict, not ${row[dict]}" \
      "see the first line that it does not like: $target -dict=$target.dict -runs=0"
    row[dict]=no
  fi
  edges=$(number_after 'Loaded [0-9]+ modules +\([0-9]+')
  [[ -n ${row[seeds]} && ${row[seeds]} != 0 ]] || return

  if ! run 300 "$target" "${flags[@]}" -runs=0 "$seeds"; then
    problem "$target" "fails on its seeds:"$'\n'"$(last_lines 6)" "run it on each file of ${target}_seed_corpus.zip"
    row[seeds]+="!"
    return
  fi
  reached=$(number_after 'cov: [0-9]+')
  floor "$target" "$edges" "$reached"

  mkdir "$scratch/$target.kept"
  run 300 "$target" "${flags[@]}" -merge=1 "$scratch/$target.kept" "$seeds"
  kept=$(find "$scratch/$target.kept" -type f | grep -c .)
  row[new]="/$kept"
  ((4 * kept >= 3 * row[seeds])) ||
    problem "$target" "only $kept of ${row[seeds]} seeds add something" "take the others out of corpus/$target"
}

# A coverage build gives libFuzzer nothing to learn from. It is judged by the profile that a merge writes, which
# is how coverage runners execute a corpus; edges are regions of the source then.
check_coverage() {
  local target=$1 profdata cov total
  profdata=$(llvm profdata)
  cov=$(llvm cov)
  need "$profdata" "llvm-profdata (package llvm)"
  need "$cov" "llvm-cov (package llvm)"
  row[empty]=no
  : > "$scratch/empty"
  if ! run 60 "$target" "$scratch/empty"; then
    problem "$target" "fails on the empty input:"$'\n'"$(last_lines)" "run it"
    return
  fi
  row[empty]=ok
  [[ ${row[seeds]} != 0 ]] || return
  mkdir "$scratch/$target.kept"
  if ! run 300 "$target" -merge=1 -timeout=100 "$scratch/$target.kept" "$seeds" || grep -q 'caused a failure' "$scratch/output"; then
    problem "$target" "fails on its seeds:"$'\n'"$(last_lines 6)" "run it on each file of ${target}_seed_corpus.zip"
    return
  fi
  if ! "$profdata" merge -sparse "$scratch/$target".*.profraw -o "$scratch/$target.profdata" > "$scratch/output" 2>&1; then
    problem "$target" "writes no profile: $(head -n 1 "$scratch/output")" "compile with -fprofile-instr-generate -fcoverage-mapping"
    return
  fi
  total=$("$cov" report "$moved/$target" -instr-profile="$scratch/$target.profdata" 2> /dev/null | awk '/^TOTAL/ {print $2, $2 - $3}')
  floor "$target" "${total% *}" "${total#* }"
}

canary_libfuzzer() {
  mkdir -p "$scratch/artifacts"
  if program=$canary run 120 canary_fuzzer -seed=1 -runs=200000 "-artifact_prefix=$scratch/artifacts/"; then
    problem canary "runs to its end, though it fails on purpose" "see core/kernel/report.cc: a finding must end the process"
  elif ! grep -q '^SUMMARY: fencebench: canary' "$scratch/output" || [[ -z $(ls -A "$scratch/artifacts") ]]; then
    problem canary "ends without its report, or leaves no input behind:"$'\n'"$(last_lines)" "run it: $canary"
  fi
}

# fuzz_with_afl SECONDS TARGET SEEDS: into $scratch/TARGET.afl. AFL++ sets the sanitizers' options itself.
fuzz_with_afl() {
  local seconds=$1 target=$2 input=$3 dictionary=()
  [[ ! -f $moved/$target.dict ]] || dictionary=(-x "$moved/$target.dict")
  rm -rf "$scratch/$target.afl"
  (cd "$scratch" && env -i PATH="$PATH" ${AFL_PATH:+"AFL_PATH=$AFL_PATH"} AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 \
    AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_FORKSRV_INIT_TMOUT=30000 timeout -k 5 $((seconds + 60)) \
    afl-fuzz -V "$seconds" -s 1 -m none -t 5000 "${dictionary[@]}" -i "$input" -o "$scratch/$target.afl" \
    -- "${program:-$moved/$target}" > "$scratch/output" 2>&1 < /dev/null)
  statistics=$scratch/$target.afl/default/fuzzer_stats
  [[ -s $statistics ]] && grep -q 'All set and ready to roll' "$scratch/output"
}
statistic() { sed -n "s/^$1 *: *//p" "$statistics"; }

check_afl() {
  local target=$1 stability crashes
  row[empty]=no
  mkdir -p "$scratch/nothing.afl"
  printf '\0' > "$scratch/nothing.afl/nothing"
  if ! fuzz_with_afl 2 "$target" "$scratch/nothing.afl"; then
    problem "$target" "afl-fuzz does not start from one byte:"$'\n'"$(last_lines 8)" "run it under afl-fuzz"
    return
  fi
  row[empty]=ok
  [[ -n ${row[seeds]} && ${row[seeds]} != 0 ]] || return
  if ! fuzz_with_afl 6 "$target" "$seeds"; then
    problem "$target" "afl-fuzz does not start from the seeds:"$'\n'"$(last_lines 8)" "run it under afl-fuzz"
    return
  fi
  floor "$target" "${row[guards]}" "$(statistic edges_found)"
  stability=$(statistic stability)
  row[new]=" ${stability%.*}%"
  [[ $stability == 100.00% ]] ||
    problem "$target" "its stability is $stability" "something is left from input to input: FENCEBENCH_OPTIONS=determinism=twice finds it"
  crashes=$(statistic saved_crashes)
  ((${crashes:-0} == 0)) || problem "$target" "afl-fuzz found $crashes crashes within seconds" "triage them first"
}

canary_afl() {
  if ! program=$canary fuzz_with_afl 20 canary_fuzzer "$scratch/nothing.afl" || (($(statistic saved_crashes) == 0)); then
    problem canary "afl-fuzz finds no crash of it:"$'\n'"$(last_lines 6)" "run it: $canary"
  fi
}

# Engines that are not on this machine: a stand-in replays files (ci/oss-fuzz/local_build).
check_stand_in() {
  local target=$1
  row[empty]=no
  : > "$scratch/empty"
  if ! run 60 "$target" "$scratch/empty"; then
    problem "$target" "fails on the empty input:"$'\n'"$(last_lines)" "run it"
    return
  fi
  row[empty]=ok
  run 300 "$target" "$seeds" || problem "$target" "fails on its seeds:"$'\n'"$(last_lines 6)" "run it on each of them"
  floor "$target" "${row[guards]}" "${row[guards]}"
  row[reached]=-
}
check_honggfuzz() { check_stand_in "$1"; }
check_centipede() { check_stand_in "$1"; }

canary_stand_in() {
  printf '!' > "$scratch/canary"
  if program=$canary run 60 canary_fuzzer "$scratch/canary" || ! grep -q '^SUMMARY: fencebench: canary' "$scratch/output"; then
    problem canary "does not report its finding:"$'\n'"$(last_lines)" "run it: $canary"
  fi
}
canary_honggfuzz() { canary_stand_in; }
canary_centipede() { canary_stand_in; }
