#!/usr/bin/env bash
# Tries ./fencebench on machines without anything: a Debian with only what debootstrap's minbase holds,
# in a chroot, no locale, no git, a blank in the checkout's path. Needs root and debootstrap.
#
#   ci/bare_machine_test.sh [--work DIR] [--keep] [SCENARIO...] [-- VERB...]
#
# Scenarios, all by default:
#   root        as root, with the security archive (the newest clang)
#   main-only   as root, with the main archive alone (an older clang)
#   user        as an ordinary user without sudo: exit 3 and one command; root runs that command;
#               then the user's own run goes through
#   sudo        as an ordinary user who needs no password for sudo
#   outdated    as `user`, on a machine whose package lists are empty
#
# VERB... is what runs, `--help` if nothing is given; it must exit 0. DIR (default: a folder
# under TMPDIR) keeps the base system and the downloaded packages for the next time; --keep leaves the
# machines there too. The archives are those of this machine's apt.
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
work=${TMPDIR:-/tmp}/fencebench-bare
keep=no
scenarios=()
verb=(--help)
while [ $# -gt 0 ]; do
  case $1 in
    --work) work=$2; shift ;;
    --keep) keep=yes ;;
    --) shift; [ $# -eq 0 ] || verb=("$@"); break ;;
    root | main-only | user | sudo | outdated) scenarios+=("$1") ;;
    *) echo "$0: what is '$1'? See the head of the file." >&2; exit 2 ;;
  esac
  shift
done
[ ${#scenarios[@]} -gt 0 ] || scenarios=(root main-only user sudo outdated)
[ "$(id -u)" -eq 0 ] || { echo "$0: needs root, for chroot" >&2; exit 3; }
command -v debootstrap >/dev/null || { echo "$0: needs debootstrap" >&2; exit 3; }

# Mounts made below stay in a namespace of their own and go away with it.
if [ -z "${FENCEBENCH_BARE_NAMESPACE-}" ]; then
  arguments=(--work "$work")
  [ $keep = no ] || arguments+=(--keep)
  FENCEBENCH_BARE_NAMESPACE=yes exec unshare --mount "$0" "${arguments[@]}" "${scenarios[@]}" \
    -- "${verb[@]}"
fi

step() { printf '\n=== %s\n' "$*"; }
checkout='/srv/fence bench'
mkdir -p "$work/packages"
work=$(readlink -f "$work")

# ---- the base system, and where packages come from -----------------------------------------------

archives() {
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' | sort -u
}
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(archives | awk -v name="$codename" '$2 == name && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || { echo "$0: this machine's apt knows no archive of $codename" >&2; exit 3; }

if [ ! -e "$work/base.done" ]; then
  step "debootstrap minbase $codename"
  rm -rf "$work/base"
  debootstrap --variant=minbase --cache-dir="$work/packages" "$codename" "$work/base" "$mirror" \
    >"$work/debootstrap.log" 2>&1 || { tail "$work/debootstrap.log"; exit 1; }
  touch "$work/base.done"
fi

# Prints the name of an archive's line for sources.list: main alone, or all that this machine has.
sources() {
  archives | while read -r uri name component; do
    case $1:$name:$component in
      main-only:"$codename":main | all:"$codename":main | all:"$codename"-*:main)
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $name $component" ;;
    esac
  done
}

# ---- a machine -----------------------------------------------------------------------------------

make_machine() {
  machine=$work/machine-$1
  umount -q "$machine/proc" "$machine/var/cache/apt/archives" 2>/dev/null || true
  rm -rf --one-file-system "$machine"
  cp -a "$work/base" "$machine"
  sources "$2" >"$machine/etc/apt/sources.list"
  cp /etc/resolv.conf "$machine/etc/resolv.conf"
  mount -t proc proc "$machine/proc"
  mount --bind "$work/packages" "$machine/var/cache/apt/archives"
  mkdir -p "$machine$checkout"
  tar -C "$root" --exclude=./build --exclude=./out --exclude=./.git -cf - . |
    tar -C "$machine$checkout" --no-same-owner -xf -
  useradd --root "$machine" --create-home --shell /bin/bash tester
  chown -R --reference="$machine/home/tester" "$machine$checkout"
}

drop_machine() {
  umount "$machine/proc" "$machine/var/cache/apt/archives"
  [ $keep = yes ] || rm -rf --one-file-system "$machine"
}

# inside USER COMMAND...: in the checkout, with an environment as small as a container's.
inside() {
  local user=$1 home=/root
  shift
  [ "$user" = root ] || home=/home/$user
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" TERM=dumb \
    chroot --userspec="$user" "$machine" \
    /bin/bash -c 'cd "$1" && shift && exec "$@"' bash "$checkout" "$@"
}

expect() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  if [ $status -ne "$wanted" ]; then
    echo "FAILED: exit $status instead of $wanted: $*"
    exit 1
  fi
}

run_as_root() {
  expect 0 inside root ./fencebench "${verb[@]}"
  inside root ci/setup --check | grep ^compiler
  step "again, with everything there"
  time expect 0 inside root ./fencebench --help >/dev/null
}

run_as_user() {
  local output=$work/user.log mend
  expect 3 inside tester ./fencebench "${verb[@]}" >"$output" 2>&1
  cat "$output"
  mend=$(grep 'apt-get install -y' "$output")
  [ "$(grep -c 'apt-get install' "$output")" -eq 1 ] || { echo "FAILED: not one command"; exit 1; }
  step "root runs: $mend"
  expect 0 inside root env DEBIAN_FRONTEND=noninteractive /bin/bash -c "$mend" \
    >"$work/mend.log" 2>&1
  expect 0 inside tester ./fencebench "${verb[@]}"
}

for scenario in "${scenarios[@]}"; do
  step "scenario $scenario: ./fencebench ${verb[*]}"
  case $scenario in
    root) make_machine root all; run_as_root ;;
    main-only) make_machine main-only main-only; run_as_root ;;
    user)
      make_machine user all
      inside root apt-get -qq update
      run_as_user
      ;;
    sudo)
      make_machine sudo all
      inside root /bin/bash -c 'apt-get -qq update && apt-get -qq install -y sudo' >"$work/sudo.log" 2>&1
      echo 'tester ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/tester"
      expect 0 inside tester ./fencebench "${verb[@]}"
      ;;
    outdated)
      make_machine outdated all
      inside root /bin/bash -c 'rm -rf /var/lib/apt/lists/*'
      run_as_user
      ;;
  esac
  drop_machine
done
step "all as expected: ${scenarios[*]}"
