#!/bin/sh
# That replay_orders.sh sees what it is there to see: on fake targets.
# Usage: replay_orders_test.sh SCRATCH-FOLDER
set -eu
check=$(cd "$(dirname "$0")" && pwd)/replay_orders.sh
rm -rf "$1"
mkdir -p "$1"
cd "$1"
touch a b 'c d'

# A target whose trace of a file is what `trace` prints.
target() {
  printf '#!/bin/sh\nlast=none\nfor file; do echo "Running: $file"\n%s\nlast=$file; done\n' "$1" >target
  chmod +x target
}
expect() {
  status=0
  sh "$check" ./target a b 'c d' >output 2>&1 || status=$?
  if [ "$status" -ne "$1" ] || ! grep -q -- "$2" output; then
    echo "status $status, expected $1 and '$2' of the target:"
    cat target output
    exit 1
  fi
}

target 'echo "fencebench: trace 0x$file points=1"'
expect 0 '3 files, three orders, equal traces'
# Something is left from the input before.
target 'echo "fencebench: trace 0x$last points=1"'
expect 1 'after other inputs'
target 'test "$file" = b || echo "fencebench: trace 0x1 points=1"'
expect 1 'b: 3 runs and 0 traces'
target 'echo "fencebench: trace 0x1 points=1"; test "$last" != b || exit 77'
expect 1 'ended with status 77'
target 'break'
expect 1 '0 of 3 files were executed\|not 3'
