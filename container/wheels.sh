#!/usr/bin/env bash
# Put into wheels/ what the image needs, for the Python inside BASE_IMAGE.
#
# usage: container/wheels.sh BASE_IMAGE [PYTHON [ARCH...]]
#
# PYTHON makes and downloads wheels on this host (default python3). ARCH is what Docker
# calls a machine, such as amd64 or arm64 (default: that of the base image).
#
# wheels/ARCH/packages: all of requirements.lock, checked against its hashes here, on the
# host, so that `docker build` needs no network; kept while lock and base stay the same.
# wheels/engine: the grader's own wheel, built from a clean copy, so that a stale build/
# folder in the checkout can never reach the image.
# wheels/tools: what builds that wheel, as pinned in container/build.lock.
set -euo pipefail

readonly BASE_IMAGE="${1:?usage: container/wheels.sh BASE_IMAGE [PYTHON [ARCH...]]}"
readonly PYTHON="${2:-python3}"
shift $(($# < 2 ? $# : 2))
# The first day a zip file can name: an unchanged engine gives the same wheel, and
# Docker's build cache holds.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"

fail() {
  printf 'wheels: %s\n' "$1" >&2
  exit 1
}

# Prints "3.11 36": Python, minor version of glibc; both are those of the other machines
# of the same image.
describe_base() {
  docker run --rm --network none --entrypoint python3 "$BASE_IMAGE" -c '
import platform, sys
print(*sys.version_info[:2], sep=".", end=" ")
print(platform.libc_ver()[1].split(".")[1])'
}

machine_of() { # what Docker calls a machine
  case $1 in
    amd64) printf x86_64 ;;
    arm64) printf aarch64 ;;
    ppc64le | s390x | riscv64) printf '%s' "$1" ;;
    *) fail "no wheels are known for machine '$1'" ;;
  esac
}

# The tags a glibc of that age accepts; pip does not derive them from the newest one.
platforms() { # machine, minor version of glibc
  printf -- '--platform=manylinux2014_%s\n' "$1"
  seq 17 "$2" | sed "s/.*/--platform=manylinux_2_&_$1/"
}

download() { # folder, machine, Python, minor version of glibc
  # shellcheck disable=SC2046 # one option a line, without blanks
  "$PYTHON" -m pip download --quiet --dest "$1" --only-binary=:all: --no-deps \
    --implementation=cp --python-version="$3" $(platforms "$2" "$4") \
    --require-hashes --requirement=requirements.lock
}

keep_packages() { # what Docker calls a machine
  local folder=wheels/$1 machine key
  machine=$(machine_of "$1")
  key="$base $machine $(sha256sum < requirements.lock)"
  [ "$(cat "$folder/key" 2>/dev/null)" != "$key" ] || return 0
  rm -rf "$folder"
  # shellcheck disable=SC2086 # two words
  download "$folder/partial" "$machine" $base
  mv "$folder/partial" "$folder/packages"
  printf '%s\n' "$key" > "$folder/key"
}

keep_tools() {
  local key
  key=$(sha256sum < container/build.lock)
  [ "$(cat wheels/tools/key 2>/dev/null)" != "$key" ] || return 0
  rm -rf wheels/tools
  "$PYTHON" -m pip download --quiet --dest wheels/tools --only-binary=:all: --no-deps \
    --require-hashes --requirement=container/build.lock
  printf '%s\n' "$key" > wheels/tools/key
}

build_engine() { # folder
  cp -r pyproject.toml README.md LICENSE grader "$work"
  find "$work" -name __pycache__ -prune -exec rm -rf {} +
  "$PYTHON" -m pip wheel --quiet --no-deps --no-index --find-links wheels/tools \
    --wheel-dir "$1" "$work"
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

base=$(describe_base)
[ $# -gt 0 ] || set -- "$(docker image inspect --format '{{.Architecture}}' "$BASE_IMAGE")"
for arch in "$@"; do keep_packages "$arch"; done
keep_tools
rm -rf wheels/engine
build_engine wheels/engine
