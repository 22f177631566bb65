#!/bin/bash
# bench/peers.sh [DIR]: Debian roots with the newest packaged nginx, HAProxy, Varnish and Traffic Server, so that the tables
# compare with today's versions and not with what this release froze. Needs root; a few minutes; a second run updates.
#   default DIR is /opt/peers; use it as: PEERS=DIR script/bench cache, or bench/cache --peers DIR
# Varnish has left Debian's unstable and Traffic Server its stable: each comes from the newest release that has it.
set -euo pipefail

dir=$(realpath -m "${1:-/opt/peers}")
[ "$(id -u)" = 0 ] || { echo "peers.sh: needs root (debootstrap, chroot)" >&2; exit 1; }

# The mirror that this machine already uses.
mirror_of_machine() {
  local sources=/etc/apt/sources.list.d/debian.sources
  if [ -e "$sources" ]; then awk '/^URIs:/ {print $2; exit}' "$sources"
  else awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) {print $i; exit}}' /etc/apt/sources.list; fi
}

quietly() {  # runs a command; its output is shown only when it fails
  local log; log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then tail -40 "$log" >&2; rm -f "$log"; echo "peers.sh: failed: $*" >&2; exit 1; fi
  rm -f "$log"
}

# Mounted for the installation alone: the programs need neither at run time.
mounted=()
unmount() { for at in "${mounted[@]}"; do umount "$at"; done; }
trap unmount EXIT

install_root() {  # SUITE PACKAGE...: makes or updates the root of a suite
  local suite=$1 root=$dir/$1 fresh=false at
  shift
  if [ ! -x "$root/usr/bin/dpkg" ]; then
    echo "making $root"
    fresh=true
    rm -rf --one-file-system "$root.new"  # what a run that was broken off left
    mkdir -p "$dir"
    quietly debootstrap --variant=minbase --include=ca-certificates "$suite" "$root.new" "$(mirror_of_machine)"
    mv "$root.new" "$root"
  fi
  cp /etc/hosts /etc/resolv.conf "$root/etc/"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"  # nothing starts by being installed
  chmod +x "$root/usr/sbin/policy-rc.d"
  for at in proc dev; do
    mountpoint -q "$root/$at" && continue
    mount --bind "/$at" "$root/$at"
    mounted+=("$root/$at")
  done
  echo "$suite: installing $*"
  # debootstrap has just fetched the lists of a new root. A mirror whose lists have expired is no reason to stop.
  "$fresh" || in_root "$suite" apt-get update -q >/dev/null 2>&1 ||
    echo "peers.sh: no newer package lists for $suite, going on with those at hand" >&2
  quietly in_root "$suite" apt-get install -y -q --no-install-recommends "$@"
}

in_root() {  # SUITE COMMAND...
  local root=$dir/$1
  shift
  chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"
}

command -v debootstrap >/dev/null || { echo "installing debootstrap"; quietly apt-get install -y -q debootstrap; }
install_root sid nginx haproxy
install_root trixie varnish hitch
install_root bookworm trafficserver
in_root sid nginx -v 2>&1
in_root sid haproxy -v | sed -n 1p
in_root trixie varnishd -V 2>&1 | sed -n 1p
in_root bookworm traffic_server --version 2>/dev/null | sed -n 1p
