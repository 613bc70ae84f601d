#!/bin/sh
# Holds the tables of core/README.md: each row names a test that exists, and code that exists.
# Usage: readme_check.sh ROOT. Prints what is wrong, line by line; exit 1 if anything is.
#
# In a row, `file: Case…` means that core/**/file_test.cc has a case (or a suite) whose name begins so or
# contains it; `Case…` alone belongs to the file named before it. `file` alone: that test exists.
set -eu
cd "$1"
readme=core/README.md

# test files by their stem: "fence_chain core/dma/fence_chain_test.cc"
tests=$(find core fuzz -name '*_test.cc' | LC_ALL=C sort | sed 's|\(.*/\)\([^/]*\)_test\.cc$|\2 &|')

status=0
wrong() {
  echo "$readme:$1: $2"
  status=1
}

# Rows of the tables that have a column "test": number, a tab, the row.
rows=$(awk '
  /^\|/ && /\| test( \||$)/ { in_table = 1; next }
  !/^\|/ { in_table = 0 }
  in_table && !/^\| *-/ { printf "%d\t%s\n", NR, $0 }
' "$readme")
[ -n "$rows" ] || { echo "$readme: no table with a column \"test\""; exit 1; }

while IFS='	' read -r number row; do
  file=''
  found=''
  # The backticked words, one a line; several cases of one file are separated by commas.
  references=$(printf '%s\n' "$row" | awk -F'`' '{ for (i = 2; i <= NF; i += 2) print $i }')
  while IFS= read -r reference; do
    stem=${reference%%:*}
    path=$(printf '%s\n' "$tests" | awk -v stem="$stem" '$1 == stem { print $2; exit }')
    if [ -n "$path" ]; then
      file=$path
      found=yes
      [ "$stem" = "$reference" ] && continue
      cases=${reference#*: }
    elif [ -n "$file" ]; then
      cases=$reference
    else
      continue  # a function
    fi
    for name in $(printf '%s' "$cases" | tr ',' ' '); do
      for part in $(printf '%s' "$name" | sed 's/…/ /g; s/\.\*//g; s/\./ /g'); do
        grep -q -- "$part" "$file" || wrong "$number" "$file has no case $name"
      done
    done
  done <<END
$references
END
  # The function or file that implements it.
  for name in $(printf '%s\n' "$row" | cut -d'|' -f3 | grep -o '`[a-z][a-z0-9_]*`' | tr -d '`'); do
    grep -rqw --include='*.h' --include='*.cc' -- "$name" core ||
      ls core/*/"$name".* > /dev/null 2>&1 || wrong "$number" "nothing in core is called $name"
  done
  [ -n "$found" ] || wrong "$number" "the row names no test"
done <<END
$rows
END
exit $status
