#!/usr/bin/env bash
# What does `./fencebench continuous` make of bugs that come in as commits? In a clone of this checkout
# it runs for an hour, while defects of the catalogue are committed and reverted one after another. Each
# must be found, filed once, minimized, and seen to be fixed.
#
#   ci/plant_defects.sh [--seconds N] WORK_FOLDER DEFECT...
#
# WORK_FOLDER/store/status.html is the timeline; the summary comes at the end.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
seconds=3600
if [ "${1-}" = --seconds ]; then
  seconds=$2
  shift 2
fi
work=${1:?usage: ci/plant_defects.sh [--seconds N] WORK_FOLDER DEFECT...}
shift
clone=$work/clone
store=$work/store
commit() { git -C "$clone" -c user.name=planter -c user.email=planter@localhost "$@"; }
note() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"; }

mkdir -p "$work"
git clone -q "$root" "$clone"
cd "$clone"
./fencebench continuous --store "$store" --time "$seconds" >"$work/log" 2>&1 &
runner=$!
until grep -q ' build: ' "$work/log"; do
  kill -0 $runner || { cat "$work/log"; exit 3; }
  sleep 1
done
# A sixteenth of the time before the first one; each stays for three quarters of its share.
sleep $((seconds / 16))
share=$((seconds * 15 / 16 / $#))
for defect in "$@"; do
  note "planted   $defect"
  patch -s -p1 <"core/defects/$defect.patch"
  commit commit -q -a -m "plant $defect"
  sleep $((share * 3 / 4))
  note "taken out $defect"
  commit revert --no-edit HEAD >/dev/null
  sleep $((share / 4))
done
wait $runner || true
./fencebench status "$store" || true
./fencebench status "$store" --json >"$work/status.json" || true
grep -E ' (finding|fixed|reopened|trouble|build): ' "$work/log" || true
