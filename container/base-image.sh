#!/usr/bin/env bash
# Make a base image without a container registry: debootstrap, then `docker import`.
#
# usage: container/base-image.sh [TAG]        (default tinytorch-grader-base:local)
#
# The image is the host's own Debian release with Python and nothing else.
# The mirror is the one the host's apt uses. The file system is kept as a tarball in
# ${XDG_CACHE_HOME:-~/.cache}/tinytorch-grader, so the second run takes seconds; it is
# made anew when this script changes, after 30 days, or with FRESH=1.
set -euo pipefail

readonly TAG="${1:-tinytorch-grader-base:local}"
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tinytorch-grader"
readonly MAX_AGE_DAYS=30
readonly PACKAGES=python3,python3-venv

fail() {
  printf 'base-image: %s\n' "$1" >&2
  exit 1
}

# The archive apt reads for SUITE's main component, without the local file cache.
mirror_of() {
  apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' \
    'Created-By: Packages' | awk -v suite="$1" '$1 == suite && $2 == "main" { print $3; exit }'
}

# A subshell, so that its EXIT trap runs whether it ends well or not.
bootstrap() ( # suite, mirror, tarball
  root=$(mktemp -d)
  # A half-written tarball must never look like a finished one.
  partial=$(mktemp "$3.XXXXXX")
  trap 'rm -rf --one-file-system "$root" "$partial"' EXIT
  debootstrap --variant=minbase --include="$PACKAGES" "$1" "$root" "$2" >&2
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
    "$root"/usr/share/{doc,man,info,locale}/* "$root"/etc/resolv.conf "$root"/etc/hostname
  # A set-user-id program has no use in a container that runs as root and drops rights.
  find "$root" -xdev -perm /6000 -type f -exec chmod a-s {} +
  tar --create --numeric-owner --one-file-system --file "$partial" --directory "$root" .
  mv "$partial" "$3"
)

main() {
  local suite mirror key tarball
  command -v docker >/dev/null || fail 'docker is not installed'
  suite=$(. /etc/os-release && [ "$ID" = debian ] && printf '%s' "${VERSION_CODENAME:-}") ||
    fail 'not a Debian host; use an official image: make image'
  key=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-12)
  tarball="$CACHE/base-$suite-$(uname -m)-$key.tar"
  mkdir -p "$CACHE"

  if [ -n "${FRESH:-}" ] || [ -z "$(find "$tarball" -mtime "-$MAX_AGE_DAYS" 2>/dev/null)" ]; then
    command -v debootstrap >/dev/null || fail 'debootstrap is not installed'
    [ "$(id -u)" -eq 0 ] || fail 'debootstrap needs root'
    mirror=$(mirror_of "$suite")
    [ -n "$mirror" ] || fail "apt knows no archive for $suite; is its package list empty? run apt-get update"
    printf 'base-image: bootstrapping %s into %s\n' "$suite" "$tarball" >&2
    bootstrap "$suite" "$mirror" "$tarball"
  fi

  # Importing the same tarball twice would make a new image and miss the build cache.
  local stamp
  stamp="$key-$(stat --format %Y "$tarball")"
  if [ "$(docker image inspect --format '{{index .Config.Labels "tinytorch.base"}}' "$TAG" 2>/dev/null)" = "$stamp" ]; then
    printf 'base-image: %s is up to date\n' "$TAG" >&2
    return
  fi
  docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'CMD ["python3"]' \
    --change "LABEL tinytorch.base=$stamp" \
    "$tarball" "$TAG" >/dev/null
  printf 'base-image: %s is ready\n' "$TAG" >&2
}

main
