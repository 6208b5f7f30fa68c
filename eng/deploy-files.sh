#!/usr/bin/env bash
# Copies alerts and dashboards into the charts that install them: a chart can only read files below itself. deploy/alerts and deploy/dashboards are
# where they are edited; a test holds the copies against them. A chart that is not there is passed over.
set -euo pipefail
cd "$(dirname "$0")/../deploy"

copy() { # copy CHART FOLDER FILE...: FOLDER of the chart then holds these files and no others
  local chart=helm/$1 folder=$2
  shift 2
  [ -f "$chart/Chart.yaml" ] || return 0
  mkdir -p "$chart/files/$folder"
  rm -f "$chart/files/$folder"/*.yaml "$chart/files/$folder"/*.json
  (cd "$folder" && cp "$@" "../$chart/files/$folder/")
  echo "$chart/files/$folder: $*"
}

copy shipper alerts shipper.yaml
copy shipper dashboards shipper.json
copy gateway alerts completeness.yaml gateway.yaml loki.yaml
copy gateway dashboards gateway.json log-volume.json loki-s3.json overview.json tenants.json
copy lokiops alerts cost.yaml storage.yaml
copy lokiops dashboards cost.json
