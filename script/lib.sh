# What the scripts share; source it first. It moves to the root of the clone, so scripts work from any directory.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=$(nproc)
export HEADGATE_STARTED_S=${HEADGATE_STARTED_S:-$EPOCHSECONDS}  # a script within a script counts on
python=/usr/bin/python3  # Debian's, which sees the python3-* packages; the one on PATH may not
export PYTHONDONTWRITEBYTECODE=1
mkdir -p build

say() { printf '[%4ds] %s\n' $((EPOCHSECONDS - HEADGATE_STARTED_S)) "$*"; }
die() { say "$*" >&2; exit 1; }

# configure PRESET: makes build/PRESET; again when the presets changed.
configure() {
  [ ! "build/$1/build.ninja" -nt CMakePresets.json ] || return 0
  say "configuring build/$1"
  cmake --preset "$1" >"build/$1.configure.log" 2>&1 || { cat "build/$1.configure.log"; die "cmake failed"; }
}

# build PRESET TARGET...
build() {
  local preset=$1
  shift
  configure "$preset"
  say "building $* in build/$preset with $jobs jobs"
  ninja -C "build/$preset" -j"$jobs" "$@"
}

# port_is_busy PORT: something on loopback accepts connections there.
port_is_busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}
