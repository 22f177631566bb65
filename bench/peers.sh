#!/bin/bash
# bench/peers.sh [DIR]: a Debian root with the newest packaged nginx and HAProxy, so that the table compares with today's
# versions and not with what this release froze. Needs root; about a minute; a second run updates.
#   default DIR is /opt/peers; use it as: PEERS=DIR script/bench proxy, or bench/proxy --peers DIR
set -euo pipefail

dir=$(realpath -m "${1:-/opt/peers}")
root=$dir/sid
packages=(nginx haproxy)
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

in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }

command -v debootstrap >/dev/null || { echo "installing debootstrap"; quietly apt-get install -y -q debootstrap; }
fresh=false
if [ ! -x "$root/usr/bin/dpkg" ]; then
  echo "making $root"
  fresh=true
  mkdir -p "$root"
  quietly debootstrap --variant=minbase --include=ca-certificates sid "$root" "$(mirror_of_machine)"
fi
cp /etc/hosts /etc/resolv.conf "$root/etc/"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"  # nothing starts by being installed
chmod +x "$root/usr/sbin/policy-rc.d"
for at in proc dev; do
  mountpoint -q "$root/$at" && continue
  mount --bind "/$at" "$root/$at"
  mounted+=("$root/$at")
done

echo "installing ${packages[*]}"
# debootstrap has just fetched the lists of a new root. A mirror whose lists have expired is no reason to stop.
"$fresh" || in_root apt-get update -q >/dev/null 2>&1 || echo "peers.sh: no newer package lists, going on with those at hand" >&2
quietly in_root apt-get install -y -q --no-install-recommends "${packages[@]}"
in_root nginx -v 2>&1
in_root haproxy -v | sed -n 1p
