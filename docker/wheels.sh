#!/usr/bin/env bash
# Put into wheels/ what the image needs, for the Python inside BASE_IMAGE.
#
# usage: docker/wheels.sh BASE_IMAGE [PYTHON]     (default python3)
#
# Everything of requirements.lock is checked against its hashes here, on the host, so
# that `docker build` needs no network. The engine's own wheel is built from a clean
# copy: a stale build/ folder in the checkout can never reach the image.
set -euo pipefail

readonly BASE_IMAGE="${1:?usage: docker/wheels.sh BASE_IMAGE [PYTHON]}"
readonly PYTHON="${2:-python3}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ask_base() { # Python expression
  docker run --rm --network none --entrypoint python3 "$BASE_IMAGE" \
    -c "import platform, sys; print($1)"
}

# The tags a glibc of that age accepts; pip does not derive them from the newest one.
platforms() { # machine, minor version of glibc
  printf -- '--platform=manylinux2014_%s\n' "$1"
  seq 17 "$2" | sed "s/.*/--platform=manylinux_2_&_$1/"
}

download() {
  local python machine glibc
  read -r python machine glibc < <(ask_base \
    "'{}.{}'.format(*sys.version_info), platform.machine(), platform.libc_ver()[1].split('.')[1]")
  # shellcheck disable=SC2046 # one option a line, without blanks
  "$PYTHON" -m pip download --quiet --dest "$1" --only-binary=:all: --no-deps \
    --implementation=cp --python-version="$python" $(platforms "$machine" "$glibc") \
    --require-hashes --requirement=requirements.lock
}

build_engine() {
  local source
  source=$(mktemp -d)
  cp -r pyproject.toml README.md LICENSE grader "$source"
  # The first day a zip file can name: an unchanged engine gives the same wheel, and
  # the build cache holds.
  SOURCE_DATE_EPOCH=315532800 "$PYTHON" -m pip wheel --quiet --no-deps --wheel-dir "$1" "$source"
  rm -r "$source"
}

fresh=$(mktemp -d wheels.XXXXXX)
trap 'rm -rf "$fresh"' EXIT
download "$fresh"
build_engine "$fresh"
rm -rf wheels
mv "$fresh" wheels
chmod 755 wheels
