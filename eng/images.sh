#!/usr/bin/env bash
# Builds the container images of deploy/docker with docker buildx or podman, whichever is there and works.
# Variables: REGISTRY (prefix, empty for local names), TAG (default: the version of Directory.Build.props), PLATFORMS (default: linux/amd64),
# PUSH=1 (push, with an SBOM and provenance as attestations), SOURCE (address of the repository, a label), SDK_DIGEST and BASE_DIGEST (sha256:...,
# pin the base images by content as well as by tag), IMAGES (default: all).
set -euo pipefail
cd "$(dirname "$0")/.."

stop() { printf 'make images: %s\n' "$1" >&2; exit 1; }

engine=""
if command -v docker >/dev/null 2>&1; then
  if ! docker buildx version >/dev/null 2>&1; then why="docker is here, but not its buildx plugin"
  elif ! docker info >/dev/null 2>&1; then why="docker is here, but no daemon answers it"
  else engine=docker; fi
else
  why="neither docker nor podman is on the PATH"
fi
[ -n "$engine" ] || ! command -v podman >/dev/null 2>&1 || engine=podman
[ -n "$engine" ] || stop "$why. An engine is needed: docker with buildx, or podman. Without one, make publish makes the same binaries in artifacts/publish/."

version=$(sed -n 's:.*<VersionPrefix>\(.*\)</VersionPrefix>.*:\1:p' Directory.Build.props)
tag=${TAG:-$version}
[ "$tag" != latest ] || stop "TAG=latest: a tag that moves cannot be rolled back to; give a version"
registry=${REGISTRY:+${REGISTRY%/}/}
platforms=${PLATFORMS:-linux/amd64}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# Of the commit and not of the clock: the same sources make the same labels.
created=$(git log -1 --format=%cI 2>/dev/null || echo 1970-01-01T00:00:00Z)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

for digest in "${SDK_DIGEST:-}" "${BASE_DIGEST:-}"; do
  [[ -z $digest || $digest =~ ^sha256:[0-9a-f]{64}$ ]] || stop "$digest is no digest: sha256: and 64 hexadecimal digits"
done
case ",$platforms," in
  *,linux/arm64,*) grep -q linux-arm64 Directory.Build.props || stop "PLATFORMS=$platforms: the lock files know linux-x64 only; see deploy/README.md, \"Images\"" ;;
esac

for image in ${IMAGES:-shipper gateway lokiops}; do
  file=deploy/docker/$image.Dockerfile
  [ -r "$file" ] || stop "$file is not there; IMAGES may name: $(names=(deploy/docker/*.Dockerfile); names=("${names[@]##*/}"); echo "${names[@]%.Dockerfile}")"
  name=$(sed -n 's:^ENTRYPOINT \["/usr/local/bin/\(.*\)"\]$:\1:p' "$file")
  args=(-f "$file" -t "$registry$name:$tag" --platform "$platforms" --build-arg "VERSION=${tag#v}" --build-arg "REVISION=$revision"
    --build-arg "CREATED=$created" --build-arg "SOURCE=${SOURCE:-}")
  [ -z "${SDK_DIGEST:-}" ] || args+=(--build-arg "SDK_DIGEST=$SDK_DIGEST")
  [ -z "${BASE_DIGEST:-}" ] || args+=(--build-arg "BASE_DIGEST=$BASE_DIGEST")
  echo "building $registry$name:$tag for $platforms with $engine"
  if [ "$engine" = docker ]; then
    # The classic image store of docker keeps no attestations, so they go along only with a push; the CycloneDX file is in the image either way.
    if [ "${PUSH:-}" = 1 ]; then args+=(--sbom=true --provenance=mode=max --push); else args+=(--load); fi
    docker buildx build "${args[@]}" .
  else
    podman build --format oci "${args[@]}" .
    [ "${PUSH:-}" != 1 ] || podman push "$registry$name:$tag"
  fi
done
