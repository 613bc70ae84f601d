#!/bin/sh
# Holds the table of the layers: a file includes only from its own folder and from folders above it.
# Usage: layer_check.sh ROOT. Prints file:line and the rule for each breach; exit 1 if there is one.
set -eu
cd "$1"

# The layers, top first. A name that ends in / is a folder, else the stem of files: core/sut.h is the
# door, core/sut.cc leads to the driver behind it.
layers='core/sched/ core/kernel/ core/dma/ core/drm/ core/userq/ core/sut core/kerneltree/
fuzz/program/ fuzz/targets/ fuzz/tool/'

find core fuzz -type f \( -name '*.h' -o -name '*.cc' -o -name '*.c' -o -name '*.def' -o -name '*.inc' \) \
    2>/dev/null | LC_ALL=C sort | awk -v layers="$layers" '
function layer_of(path,   i) {
  for (i = 1; i <= count; i++) {
    if (index(path, name[i]) == 1) return i
  }
  return 0
}
# x_test.cc, and what several tests share: x_test_fixture.h
function is_test(path) {
  return path ~ /_test(_[a-z]+)?\.(cc|h)$/
}
function breach(rule) {
  printf "%s:%d: #include \"%s\" breaks a layer rule: %s\n", file, line, included, rule
  breaches++
}
function exists(path,   ignored, status) {
  if (!(path in known)) {
    status = (getline ignored < path)
    close(path)
    known[path] = (status >= 0)
  }
  return known[path]
}
function judge(   from, to) {
  from = layer_of(file)
  if (from == 0) {
    printf "%s:%d: the file lies in no layer of the table\n", file, line
    breaches++
    return
  }
  to = layer_of(included)
  if (included ~ /^(core|fuzz|corpus|sanitizers|ci|cmake)\// && to == 0) {
    breach("no layer holds that path")
  } else if (to > from) {
    breach(name[from] " may include only from itself and from the layers above it, not from " name[to])
  } else if (to == 0 && quoted) {
    breach("our own headers are written from the root of the repository; others in <>")
  } else if (to > 0 && !exists(included)) {
    breach("no such file")
  } else if (to > 0 && included ~ /_test\./) {
    breach("nobody includes a test")
  } else if (to > 0 && is_test(included) && !is_test(file)) {
    breach("only tests include what is made for tests")
  } else if (file ~ /^core\// && !is_test(file) &&
             included ~ /^(gtest|gmock|fmt|CLI|nlohmann|boost)\// &&
             !(file ~ /^core\/sched\// && included ~ /^boost\/context\//)) {
    breach("core links nothing but the C++ runtime and, in core/sched, Boost.Context")
  }
}
BEGIN { count = split(layers, name, /[ \n]+/) }
{
  file = $0
  line = 0
  files++
  while ((getline text < file) > 0) {
    line++
    if (text !~ /^[ \t]*#[ \t]*include[ \t]*["<]/) continue
    quoted = (text ~ /include[ \t]*"/)
    included = text
    sub(/^[^"<]*["<]/, "", included)
    sub(/[">].*$/, "", included)
    judge()
  }
  close(file)
}
END {
  if (breaches) {
    printf "layer check: %d breach(es) in %d files; the table is DESIGN section 1, its copy stands in cmake/layer_check.sh\n", breaches, files
    exit 1
  }
}'
