#!/bin/bash -eu
# Builds the fuzz targets as OSS-Fuzz, ClusterFuzzLite and ci/oss-fuzz/local_build want them.
#
# From the environment: CC CXX CFLAGS CXXFLAGS (and LDFLAGS AR RANLIB where set), used exactly; LIB_FUZZING_ENGINE,
# what each target links; SRC, whose folder fencebench holds the sources; WORK for what is made on the way;
# OUT for the result. Nothing else is written to.
#
# To OUT, for each TARGET: TARGET, TARGET_seed_corpus.zip, TARGET.dict, TARGET.options.
# To WORK/fencebench/fuzz/targets: canary_fuzzer as well, which finds something on purpose. ci/check_build runs
# it; in OUT it would be reported as a bug for ever.

source_dir="$SRC/fencebench"
build="$WORK/fencebench"

# A build folder keeps the flags that it was configured with, and WORK may be an old one.
rm -rf "$build"
tools=()
for tool in AR RANLIB; do
  if [[ -n "${!tool:-}" ]]; then tools+=("-DCMAKE_$tool=$(command -v "${!tool}")"); fi
done
cmake -S "$source_dir" -B "$build" ${tools[@]+"${tools[@]}"} \
  -DCMAKE_BUILD_TYPE= -DBUILD_SHARED_LIBS=OFF \
  -DFENCEBENCH_SANITIZER=external "-DFENCEBENCH_FUZZING_ENGINE=$LIB_FUZZING_ENGINE"

mapfile -t targets < <(grep -v '^empty_fuzzer$' "$build/fuzz_targets.txt")
cmake --build "$build" --parallel "${FENCEBENCH_JOBS:-$(nproc)}" \
  --target assemble make_dictionary "${targets[@]}"

# The tools of the build are compiled with the same flags, but they are not under test here.
tool() {
  ASAN_OPTIONS=detect_leaks=0 MSAN_OPTIONS=poison_in_malloc=0:poison_in_free=0:poison_stack_with_zeroes=1 \
    "$build/fuzz/targets/$1" "${@:2}"
}

# The target that a reproducer is for: `# fencebench: target=userq_fuzzer ...`; without, its folder's name.
target_of() {
  local target
  target=$(sed -n 's/^# fencebench:.* target=\([a-z_]*\).*/\1/p' "$1" | head -n 1)
  echo "${target:-$(basename "$(dirname "$1")")}"
}

# add_seed FILE TARGET: as bytes to the target's seeds. Equal ones have one name.
add_seed() {
  local text=$1 seeds=$build/seeds/$2 bytes=$build/seed
  case $text in
    *.fence | *.steps | *.calls) tool assemble "$text" "$bytes" "$2" ;;
    *) cp "$text" "$bytes" ;;
  esac
  mv "$bytes" "$seeds/$(sha1sum "$bytes" | cut -d ' ' -f 1)"
}

# One section for each program that reads the file; a sanitizer's are our own, sanitizers/*.options.
print_options() {
  echo "[libfuzzer]"
  # Our mutator makes programs of up to 256 bytes; longer inputs say nothing more. It needs no short start.
  printf '%s\n' "dict = $1.dict" "len_control = 0" "max_len = 1024" "timeout = 25" "rss_limit_mb = 2560"
  for sanitizer in asan msan ubsan; do
    printf '\n[%s]\n' "$sanitizer"
    sed -e 's/[[:space:]]*#.*//' -e '/^$/d' -e 's/=/ = /' "$source_dir/sanitizers/$sanitizer.options"
  done
}

for target in "${targets[@]}"; do
  if [[ $target == canary_fuzzer ]]; then continue; fi
  seeds="$build/seeds/$target"
  mkdir -p "$seeds"
  for text in "$source_dir/corpus/$target"/*; do add_seed "$text" "$target"; done
  # Reproducers run clean on the core as it is, and lead to where bugs have been.
  while IFS= read -r text; do
    if [[ $(target_of "$text") == "$target" ]]; then add_seed "$text" "$target"; fi
  done < <(find "$source_dir/corpus/defects" "$source_dir/corpus/regressions" -type f 2>/dev/null | sort)

  rm -f "$OUT/${target}_seed_corpus.zip"
  (cd "$seeds" && zip -q -X "$OUT/${target}_seed_corpus.zip" -- *)
  tool make_dictionary "$target" > "$OUT/$target.dict"
  print_options "$target" > "$OUT/$target.options"
  cp "$build/fuzz/targets/$target" "$OUT/"
done
