#!/usr/bin/env bash
# Put into wheels/ what the image needs, for the Python inside BASE_IMAGE.
#
# usage: container/wheels.sh BASE_IMAGE [PYTHON]     (default python3)
#
# wheels/packages: all of requirements.lock, checked against its hashes here, on the
# host, so that `docker build` needs no network; kept while lock and base stay the same.
# wheels/engine: the grader's own wheel, built from a clean copy, so that a stale build/
# folder in the checkout can never reach the image.
set -euo pipefail

readonly BASE_IMAGE="${1:?usage: container/wheels.sh BASE_IMAGE [PYTHON]}"
readonly PYTHON="${2:-python3}"

# Prints "3.11 x86_64 36": Python, machine, minor version of glibc.
describe_base() {
  docker run --rm --network none --entrypoint python3 "$BASE_IMAGE" -c '
import platform, sys
print(*sys.version_info[:2], sep=".", end=" ")
print(platform.machine(), platform.libc_ver()[1].split(".")[1])'
}

# The tags a glibc of that age accepts; pip does not derive them from the newest one.
platforms() { # machine, minor version of glibc
  printf -- '--platform=manylinux2014_%s\n' "$1"
  seq 17 "$2" | sed "s/.*/--platform=manylinux_2_&_$1/"
}

download() { # folder, Python, machine, minor version of glibc
  # shellcheck disable=SC2046 # one option a line, without blanks
  "$PYTHON" -m pip download --quiet --dest "$1" --only-binary=:all: --no-deps \
    --implementation=cp --python-version="$2" $(platforms "$3" "$4") \
    --require-hashes --requirement=requirements.lock
}

build_engine() { # folder
  cp -r pyproject.toml README.md LICENSE grader "$work"
  # The first day a zip file can name: an unchanged engine gives the same wheel, and
  # Docker's build cache holds.
  SOURCE_DATE_EPOCH=315532800 "$PYTHON" -m pip wheel --quiet --no-deps \
    --wheel-dir "$1" "$work"
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work" wheels/packages.partial' EXIT

base=$(describe_base)
key="$base $(sha256sum < requirements.lock)"
if [ "$(cat wheels/packages.key 2>/dev/null)" != "$key" ]; then
  rm -rf wheels/packages wheels/packages.partial
  mkdir -p wheels
  # shellcheck disable=SC2086 # three words
  download wheels/packages.partial $base
  mv wheels/packages.partial wheels/packages
  printf '%s\n' "$key" > wheels/packages.key
fi
rm -rf wheels/engine
build_engine wheels/engine
