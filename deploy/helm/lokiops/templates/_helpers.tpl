{{/* Names. 40 characters leave room for the longest suffix in the 52 that a CronJob may have; what is longer is cut and told apart by a hash. */}}
{{- define "lokiops.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) .Values.fullnameOverride -}}
{{- if gt (len $full) 40 -}}
{{- printf "%s-%s" ($full | trunc 32 | trimSuffix "-") (sha256sum $full | trunc 7) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* Of one tool. All of these take {root, component}. */}}
{{- define "lokiops.name" -}}
{{- printf "%s-%s" (include "lokiops.fullname" .root) .component -}}
{{- end -}}

{{- define "lokiops.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "lokiops.componentLabels" -}}
{{ include "lokiops.selectorLabels" . }}
{{ include "lokiops.metaLabels" .root }}
{{- end -}}

{{/* Pods have neither the chart's version nor the program's: a new chart with the same pods must not restart them. */}}
{{- define "lokiops.podLabels" -}}
{{ include "lokiops.selectorLabels" . }}
app.kubernetes.io/part-of: loki
{{- with merge (dict) .root.Values.podLabels .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Of what belongs to no single tool. */}}
{{- define "lokiops.labels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "lokiops.metaLabels" . }}
{{- end -}}

{{- define "lokiops.metaLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: loki
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The report is made with the rights of the exporter: both are the tool `cost`. */}}
{{- define "lokiops.serviceAccountName" -}}
{{- $tool := .component | replace "cost-report" "cost" -}}
{{- $account := (index .root.Values $tool).serviceAccount -}}
{{- if $account.create -}}
{{- default (include "lokiops.name" (dict "root" .root "component" $tool)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{- define "lokiops.image" -}}
{{- with .Values.image -}}
{{- printf "%s/%s:%s" .registry .repository (default $.Chart.AppVersion .tag) -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The tools that run on and serve metrics, as {list: [...]}. */}}
{{- define "lokiops.exporters" -}}
list:
  {{- if .Values.audit.enabled }}
  - audit
  {{- end }}
  {{- if .Values.storage.enabled }}
  - storage
  {{- end }}
  {{- if .Values.cost.exporter.enabled }}
  - cost
  {{- end }}
{{- end -}}

{{/* Everything that runs, as {list: [...]}. */}}
{{- define "lokiops.components" -}}
{{ include "lokiops.exporters" . }}
  {{- if .Values.cost.report.enabled }}
  - cost-report
  {{- end }}
  {{- if .Values.preflight.enabled }}
  - preflight
  {{- end }}
{{- end -}}

{{/* What a tool talks to, as a map of true. Takes {root, component}. */}}
{{- define "lokiops.uses" -}}
{{- $values := .root.Values -}}
{{- if or (has .component (list "audit" "preflight")) (and (eq .component "storage") $values.storage.readback.enabled) }}
loki: true
{{- end }}
{{- if has .component (list "storage" "preflight") }}
s3: true
{{- end }}
{{- if hasPrefix "cost" .component }}
{{- range $values.cost.sources }}
{{- if regexMatch "^([a-z]+:)?s3://" . }}
s3: true
{{- break }}
{{- end }}
{{- end }}
{{- if include "lokiops.alertmanager" . }}
alertmanager: true
{{- end }}
{{- end }}
{{- end -}}

{{/* Alerts are posted once: by the exporter where there is one. */}}
{{- define "lokiops.alertmanager" -}}
{{- if or (eq .component "cost") (not .root.Values.cost.exporter.enabled) -}}
{{- .root.Values.cost.alertmanager -}}
{{- end -}}
{{- end -}}

{{/* Whose names a tool is given: its own list, or all of tenants. Takes {root, names}; as {list: [...]}. */}}
{{- define "lokiops.tenants" -}}
{{- toYaml (dict "list" (default (keys .root.Values.tenants | sortAlpha) .names)) -}}
{{- end -}}

{{/* Of metrics that bring no cluster; dashboards and alerts tell clusters apart by this label. */}}
{{- define "lokiops.relabelings" -}}
- targetLabel: cluster
  replacement: {{ .Values.cluster | quote }}
{{- end -}}

{{/* Before the release is there, its parts that preflight needs must be hooks as well. */}}
{{- define "lokiops.hook" -}}
{{- if eq .Values.preflight.hook "install" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}
{{- end -}}
