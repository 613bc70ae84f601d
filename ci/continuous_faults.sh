#!/usr/bin/env bash
# Tries `./fencebench continuous` on what goes wrong in months of fuzzing: kills in the middle, a full
# disk, a corpus full of rubbish, two runners, targets that do not start, hang or eat memory. Each for
# real, on real targets, in a clone of this checkout; nothing in the corpus or the store may be lost or
# half written. Takes some minutes; by hand:
#
#   ci/continuous_faults.sh WORK_FOLDER [TRIAL...]      (as root, for the full disk)
# shellcheck disable=SC2317,SC2015  # the trials are called by name; ok and bad never fail
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:?usage: ci/continuous_faults.sh WORK_FOLDER [TRIAL...]}
shift
trials=${*:-kill_runner kill_fuzzer terminate rubbish two_runners disk_full no_start hang memory}
clone=$work/clone
store=$work/store
failed=0

say() { printf '== %s\n' "$*"; }
ok() { printf '   ok: %s\n' "$*"; }
bad() { printf '   FAILED: %s\n' "$*"; failed=1; }
check() { # check TEXT COMMAND...
  local text=$1
  shift
  if "$@" >/dev/null 2>&1; then ok "$text"; else bad "$text"; fi
}

prepare() {
  mkdir -p "$work"
  [ -d "$clone" ] || git clone -q "$root" "$clone"
  git -C "$clone" checkout -q .
  # What the trials wait for is fuzzing, not the build.
  (cd "$clone" && ./fencebench fuzz --target allocator_fuzzer,userq_fuzzer --sanitizer asan --runs 1 \
    --no-seeds --out "$work/built" >/dev/null 2>&1)
  rm -rf "$store"
}

continuous() { # continuous ARGUMENT...: in the foreground
  (cd "$clone" && timeout 500 ./fencebench continuous --store "$store" --sanitizer asan "$@") \
    >"$work/log" 2>&1
}

start() { # start ARGUMENT...: in the background; $! of the command itself in $runner
  (cd "$clone" && exec ./fencebench continuous --store "$store" --sanitizer asan "$@") \
    >"$work/log" 2>&1 &
  runner=$!
}

wait_for() { # wait_for SECONDS COMMAND...
  local left=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.2
  done
}

slice_has_inputs() { [ "$(find "$store/work" -path '*/inputs/*' -type f 2>/dev/null | wc -l)" -gt 5 ]; }
inputs() { find "$store/corpus" -type f 2>/dev/null | wc -l; }

fuzzers() { pgrep -f "$clone/build/asan/fuzz/targets/.*$store"; }
no_fuzzers() { ! fuzzers; }

# Each input is called by its content, the records are whole, nothing unfinished lies about.
whole() {
  local name sum broken=0
  while read -r sum name; do
    [ "$sum" = "$(basename "$name")" ] || broken=1
  done < <(find "$store/corpus" -type f -exec sha1sum {} +)
  [ "$broken" = 0 ] && ok "each input is whole ($(inputs) of them)" || bad "an input is not whole"
  check "no write is left unfinished" test -z "$(find "$store" -name '*.unfinished-write')"
  if command -v sqlite3 >/dev/null; then
    [ "$(sqlite3 "$store/continuous.sqlite" 'PRAGMA integrity_check')" = ok ] &&
      ok "the records are whole" || bad "the records are damaged"
  fi
}

said() { check "it says '$1'" grep -q -e "$1" "$work/log"; }

seen_again() { check "and it is seen again" test -z "$(grep 'finding:.*not seen' "$work/log")"; }

kill_runner() {
  start allocator_fuzzer userq_fuzzer --slice 30
  wait_for 300 slice_has_inputs || bad "fuzzing has not begun"
  sleep 3
  kill -9 "$runner"
  sleep 1
  check "its children are gone" no_fuzzers
  local left before
  before=$(inputs)
  left=$(find "$store/work" -path '*/inputs/*' -type f | wc -l)
  continuous allocator_fuzzer userq_fuzzer --slices 1 --slice 2
  said "was killed"
  [ "$(inputs)" -gt "$before" ] && ok "$left new inputs taken over ($before before, $(inputs) now)" ||
    bad "new inputs are lost"
  whole
}

kill_fuzzer() {
  start allocator_fuzzer --jobs 1 --slice 20 --slices 2
  wait_for 300 slice_has_inputs || bad "fuzzing has not begun"
  pkill -9 -f "$clone/build/asan/fuzz/targets/allocator_fuzzer -print_final_stats"
  wait "$runner"
  said "killed by SIGKILL"
  [ "$(inputs)" -gt 10 ] && ok "what it had reached is taken over ($(inputs) inputs)" ||
    bad "what it had reached is lost"
  whole
}

terminate() {
  start allocator_fuzzer --slice 30
  wait_for 300 slice_has_inputs || bad "fuzzing has not begun"
  sleep 2
  local begun=$SECONDS
  kill -TERM "$runner"
  wait "$runner"
  local code=$?
  [ "$code" = 0 ] && ok "exit status 0 after $((SECONDS - begun)) s" || bad "exit status $code"
  check "no process is left" no_fuzzers
  check "no work is left" test -z "$(ls "$store/work")"
  local executions
  executions=$(sqlite3 "$store/continuous.sqlite" 'SELECT sum(executions) FROM jobs')
  [ "$executions" -gt 0 ] && ok "$executions executions are on record" || bad "nothing is on record"
  continuous allocator_fuzzer --slices 1 --slice 2
  [ "$(sqlite3 "$store/continuous.sqlite" 'SELECT sum(executions) FROM jobs')" -gt "$executions" ] &&
    ok "it goes on from there" || bad "it began anew"
  whole
}

rubbish() {
  # A target that reaches nothing: nothing is pruned.
  local folder=$store/corpus/empty_fuzzer
  mkdir -p "$folder"
  printf 'an input' >"$folder/$(printf '\033[31mred\n<b onclick=alert(1)>')"
  printf 'other' >"$folder/-rf"
  printf 'quotes' >"$folder/\"'\$(reboot)\`"
  : >"$folder/empty"
  truncate -s 100M "$folder/huge"
  printf 'secret' >"$folder/unreadable"
  chmod 0 "$folder/unreadable"
  mkdir "$folder/folder"
  mkfifo "$folder/fifo"
  ln -s /dev/zero "$folder/link"
  continuous empty_fuzzer --slices 2 --slice 3
  for what in "'empty' is no input (it is empty)" "'huge' is no input (it is too large" \
    "'unreadable' is no input (it cannot be read)" "'fifo' is no input" "'link' is no input" \
    "'folder' is no input"; do
    said "$what"
  done
  for content in 'an input' other quotes; do
    check "'$content' is there by its content's name" \
      test -e "$folder/$(printf %s "$content" | sha1sum | cut -d' ' -f1)"
  done
  [ "$(find "$store/corpus-aside" -mindepth 2 | wc -l)" = 6 ] && ok "the rest is set aside" ||
    bad "something is lost"
  check "the terminal sees no escapes" sh -c "! grep -q '$(printf '\033')' '$work/log'"
  whole
}

two_runners() {
  start allocator_fuzzer --slice 20
  wait_for 300 slice_has_inputs || bad "fuzzing has not begun"
  local message
  message=$(cd "$clone" && ./fencebench continuous allocator_fuzzer --store "$store" 2>&1)
  local code=$?
  [ "$code" = 3 ] && ok "the second one: exit status 3" || bad "the second one: exit status $code"
  case $message in
    *"another fencebench (process $runner) works on"*) ok "it says: $message" ;;
    *) bad "it says: $message" ;;
  esac
  kill -TERM "$runner"
  wait "$runner"
  whole
}

disk_full() {
  mkdir -p "$store"
  mount -t tmpfs -o size=24M tmpfs "$store" || { bad "cannot mount a tmpfs"; return; }
  start allocator_fuzzer userq_fuzzer --slice 5
  wait_for 300 slice_has_inputs || bad "fuzzing has not begun"
  fill() { dd if=/dev/zero bs=64k oflag=append conv=notrunc of="$store/somebody-elses" 2>/dev/null; }
  fill
  check "it waits" wait_for 60 grep -q "disk is" "$work/log"
  sleep 2
  fill  # what the slices gave back
  local before
  before=$(inputs)
  local status
  status=$(cd "$clone" && ./fencebench status "$store")
  case $status in
    *'the disk is'*) ok "status says: $status" ;;
    *) bad "status says: $status" ;;
  esac
  sleep 8
  rm "$store/somebody-elses"
  check "it goes on when there is room" wait_for 60 grep -q "room on the disk again" "$work/log"
  sleep 12
  kill -TERM "$runner"
  wait "$runner"
  [ "$(inputs)" -ge "$before" ] && ok "no input is lost ($before, $(inputs) after)" ||
    bad "inputs are lost ($before, $(inputs) after)"
  grep -E 'trouble|start' "$work/log" | sed 's/^/   /'
  whole
  umount "$store"
}

no_start() {
  printf '%s\n' 'namespace { const int fails = (__builtin_trap(), 0); }' \
    >>"$clone/fuzz/targets/allocator_fuzzer.cc"
  continuous allocator_fuzzer syncobj_fuzzer --slices 4 --slice 2
  said "fuzzing allocator_fuzzer under asan: .* before it had loaded its corpus"
  [ "$(sqlite3 "$store/continuous.sqlite" \
    "SELECT count(*) FROM slices WHERE target = 'syncobj_fuzzer' AND executions > 0")" = 3 ] &&
    ok "the other target got the other slices" || bad "the other target was held up"
  whole
}

plant() { # plant CODE: at the start of each execution
  sed -i "s|^extern \"C\" int LLVMFuzzerTestOneInput(const uint8_t\* data, size_t size) {|&\n  if (size > 3 \&\& data[0] > 250) { $1 }|" \
    "$clone/fuzz/targets/allocator_fuzzer.cc"
  grep -q 'data\[0\] > 250' "$clone/fuzz/targets/allocator_fuzzer.cc" || bad "cannot plant"
}

hang() {
  plant 'for (volatile int i = 0;;) i = 1;'
  continuous allocator_fuzzer --slices 1 --slice 60 --jobs 1
  said "finding: .*: libFuzzer: timeout"
  seen_again
  grep finding "$work/log" | sed 's/^/   /'
  whole
}

memory() {
  plant 'static void* all[100000]; for (void*\& p : all) { p = __builtin_malloc(1 << 20); __builtin_memset(p, 1, 1 << 20); }'
  continuous allocator_fuzzer --slices 1 --slice 20 --jobs 1 --max-memory 512
  said "finding: .*: libFuzzer: out-of-memory"
  seen_again
  grep finding "$work/log" | sed 's/^/   /'
  whole
}

for trial in $trials; do
  say "$trial"
  prepare
  "$trial"
done
git -C "$clone" checkout -q .
exit $failed
