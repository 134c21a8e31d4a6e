#!/usr/bin/env bash
# Build one image of the grader, offline, with labels that say what it holds.
#
# usage: container/build.sh engine|staff IMAGE BASE_IMAGE PYTHON [OPTION...]
#
# PYTHON is that of .venv: it computes the labels. Each OPTION goes to `docker build`.
#
#   SOURCE_DATE_EPOCH   time of every file in the image, in seconds (default: 1980)
#   SOURCE_URL          where the source is, for a label (default: none)
#   PLATFORMS           such as linux/amd64,linux/arm64: for all of these, by buildx
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly USAGE='usage: container/build.sh engine|staff IMAGE BASE_IMAGE PYTHON [OPTION...]'
readonly TARGET="${1:?$USAGE}" IMAGE="${2:?$USAGE}" BASE_IMAGE="${3:?$USAGE}"
readonly PYTHON="${4:?$USAGE}"
shift 4
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"

# The commit that is built, and whether the files are no longer those of it.
revision() {
  local commit
  commit=$(git rev-parse HEAD 2>/dev/null) || return 0
  [ -z "$(git status --porcelain)" ] || commit+=-dirty
  printf '%s' "$commit"
}

if [ -n "${PLATFORMS:-}" ]; then
  # linux/amd64,linux/arm64: wheels of every machine; BuildKit sets TARGETARCH itself.
  mapfile -t machines < <(tr , '\n' <<< "$PLATFORMS" | cut -d/ -f2)
  container/wheels.sh "$BASE_IMAGE" "$PYTHON" "${machines[@]}"
  command=(docker buildx build --platform "$PLATFORMS")
else
  container/wheels.sh "$BASE_IMAGE" "$PYTHON"
  command=(docker build --build-arg
    "TARGETARCH=$(docker image inspect --format '{{.Architecture}}' "$BASE_IMAGE")")
fi

labels=$("$PYTHON" -m grader.cli.main image labels --target "$TARGET" \
  --base "$BASE_IMAGE" --revision "$(revision)" --source "${SOURCE_URL:-}" \
  --base-id "$(docker image inspect --format '{{.Id}}' "$BASE_IMAGE")")
while read -r label; do command+=(--label "$label"); done <<< "$labels"

"${command[@]}" --network none --build-arg "BASE_IMAGE=$BASE_IMAGE" \
  --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
  --target "$TARGET" --tag "$IMAGE" "$@" .
