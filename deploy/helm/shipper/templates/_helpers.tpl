{{/* Names. 50 characters leave room for the suffixes of this chart's objects; what is longer is cut and told apart by a hash. */}}
{{- define "loki-shipper.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) .Values.fullnameOverride -}}
{{- if gt (len $full) 50 -}}
{{- printf "%s-%s" ($full | trunc 42 | trimSuffix "-") (sha256sum $full | trunc 7) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{- define "loki-shipper.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: shipper
{{- end -}}

{{- define "loki-shipper.labels" -}}
{{ include "loki-shipper.selectorLabels" . }}
{{ include "loki-shipper.metaLabels" . }}
{{- end -}}

{{/* Pods have neither the chart's version nor the program's: a new chart with the same pods must not restart every node. */}}
{{- define "loki-shipper.podLabels" -}}
{{ include "loki-shipper.selectorLabels" . }}
app.kubernetes.io/part-of: loki
{{- with merge (dict) .Values.podLabels .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What every object has, pods of helm test included, which must not look like shippers. */}}
{{- define "loki-shipper.metaLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: loki
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "loki-shipper.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "loki-shipper.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "loki-shipper.image" -}}
{{- with .Values.image -}}
{{- printf "%s/%s:%s" .registry .repository (default $.Chart.AppVersion .tag) -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "loki-shipper.stateHostPath" -}}
{{- default (printf "/var/lib/%s" (include "loki-shipper.fullname" .)) .Values.state.hostPath -}}
{{- end -}}

{{/* shipper.yaml: what the user wrote, and what only the chart can know. */}}
{{- define "loki-shipper.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $endpoint := default dict $config.endpoint -}}
{{- $tls := default dict $endpoint.tls -}}
{{- if eq .Values.auth.mode "bearer" -}}
{{- $_ := set $endpoint "bearer_token_file" (printf "/etc/loki-shipper/auth/%s" .Values.auth.tokenKey) -}}
{{- else if eq .Values.auth.mode "basic" -}}
{{- $_ := set $endpoint "basic_auth" (dict "username" .Values.auth.username "password_file" (printf "/etc/loki-shipper/auth/%s" .Values.auth.passwordKey)) -}}
{{- end -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $tls "cert_file" "/etc/loki-shipper/tls/tls.crt" -}}
{{- $_ := set $tls "key_file" "/etc/loki-shipper/tls/tls.key" -}}
{{- end -}}
{{- if .Values.tls.caSecret -}}
{{- $_ := set $tls "ca_file" (printf "/etc/loki-shipper/ca/%s" .Values.tls.caKey) -}}
{{- end -}}
{{- if $tls -}}{{- $_ := set $endpoint "tls" $tls -}}{{- end -}}
{{- $_ := set $config "endpoint" $endpoint -}}
{{- $_ := set $config "external_labels" (merge (dict "cluster" .Values.cluster) (default dict $config.external_labels)) -}}
{{- $_ := set $config "state_directory" "/var/lib/loki-shipper" -}}
{{- $_ := set $config "node" "${NODE_NAME}" -}}
{{- $_ := set $config "admin" (dict "listen" (printf ":%d" (int .Values.adminPort))) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Dashboards and alerts tell clusters and nodes apart by these labels. */}}
{{- define "loki-shipper.relabelings" -}}
- targetLabel: cluster
  replacement: {{ .Values.cluster | quote }}
- sourceLabels: [__meta_kubernetes_pod_node_name]
  targetLabel: node
{{- end -}}
