#!/usr/bin/env bash
# Runs once, as root, while an image is built. Installs engine and course under
# /opt/tinytorch-grader; what is secret there is root's alone.
#
# Python 3.11 or newer is needed beside the image's own python3, which is never touched:
# one that is there, else from the distribution, else (Ubuntu 22.04, whose archive has
# only a release candidate) from the deadsnakes archive.
set -euo pipefail
umask 022

readonly target="${TINYTORCH_TARGET:-/opt/tinytorch-grader}"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -d "$source/engine" ] || source=/autograder/source
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1

fail() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}

usable() { # a Python that the packages of requirements.lock were resolved for
  command -v "$1" > /dev/null && "$1" -c '
import ensurepip, sys, venv
final = sys.version_info.releaselevel == "final"
sys.exit(not (final and (3, 11) <= sys.version_info < (3, 14)))' 2> /dev/null
}

find_python() {
  local name
  for name in python3.11 python3.12 python3.13 python3; do
    if usable "$name"; then command -v "$name"; return; fi
  done
  return 1
}

install_python() {
  local candidate
  apt-get -qq update
  candidate=$(apt-cache policy python3.11 | sed -n 's/^ *Candidate: //p')
  case $candidate in
    '' | '(none)' | *~rc* | *~b[0-9]*)
      apt-get -qq install -y --no-install-recommends software-properties-common
      add-apt-repository -y ppa:deadsnakes/ppa
      apt-get -qq update
      ;;
  esac
  apt-get -qq install -y --no-install-recommends python3.11 python3.11-venv
}

install_packages() { # of the new environment
  local where=()
  [ ! -d "$source/wheels" ] || where=(--no-index --find-links "$source/wheels")
  "$target/venv/bin/pip" install --quiet --no-cache-dir --no-deps --require-hashes \
    --only-binary=:all: "${where[@]}" --requirement "$source/requirements.lock"
  cp -R "$source/engine/grader" \
    "$("$target/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  "$target/venv/bin/pip" check --quiet || fail 'the packages do not fit together'
}

[ -d "$source/engine" ] || fail 'there is no engine beside this script'
python=$(find_python) || { install_python && python=$(find_python); } ||
  fail 'Python 3.11 cannot be installed: choose a base image that has it'
rm -rf "$target"
mkdir -p "$target"
"$python" -m venv "$target/venv"
install_packages
mkdir -m 700 "$target/private"
cp -R "$source/course" "$target/private/"
if [ -d "$source/state" ]; then
  cp -R "$source/state" "$source/settings.json" "$target/private/"
fi
chmod -R u=rwX,go=rX "$target/venv"
chmod -R u=rwX,go= "$target/private"
# Everything is installed; the copies would be one more thing to hide.
rm -rf "$source/course" "$source/state" "$source/settings.json" "$source/wheels"
chmod 700 "$source"
"$target/venv/bin/python" -I -m grader.cli.hosted check "$target/private/course"
