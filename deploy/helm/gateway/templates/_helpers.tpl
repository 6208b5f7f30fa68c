{{/* Names. 50 characters leave room for the suffixes of this chart's objects; what is longer is cut and told apart by a hash. */}}
{{- define "loki-gateway.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) .Values.fullnameOverride -}}
{{- if gt (len $full) 50 -}}
{{- printf "%s-%s" ($full | trunc 42 | trimSuffix "-") (sha256sum $full | trunc 7) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{- define "loki-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "loki-gateway.labels" -}}
{{ include "loki-gateway.selectorLabels" . }}
{{ include "loki-gateway.metaLabels" . }}
{{- end -}}

{{/* Pods have neither the chart's version nor the program's: a new chart with the same pods must not restart them. */}}
{{- define "loki-gateway.podLabels" -}}
{{ include "loki-gateway.selectorLabels" . }}
app.kubernetes.io/part-of: loki
{{- with merge (dict) .Values.podLabels .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What every object has, pods of helm test included, which must not look like gateways. */}}
{{- define "loki-gateway.metaLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: loki
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "loki-gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "loki-gateway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "loki-gateway.image" -}}
{{- with .Values.image -}}
{{- printf "%s/%s:%s" .registry .repository (default $.Chart.AppVersion .tag) -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "loki-gateway.scaled" -}}
{{- if or .Values.autoscaling.enabled .Values.keda.enabled }}true{{ end -}}
{{- end -}}

{{/* The number that limits are divided by: always with limits_store local, with redis only while Redis cannot be used. Then a fleet that has
     grown grants more than the limit, and Loki's own, which is the same, is what holds. */}}
{{- define "loki-gateway.limitsReplicas" -}}
{{- if .Values.autoscaling.enabled -}}
{{- int .Values.autoscaling.minReplicas -}}
{{- else if .Values.keda.enabled -}}
{{- int .Values.keda.minReplicas -}}
{{- else -}}
{{- int .Values.replicas -}}
{{- end -}}
{{- end -}}

{{/* gateway.yaml: what the user wrote, and what only the chart can know. */}}
{{- define "loki-gateway.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $server := default dict $config.server -}}
{{- $_ := set $server "http_listen_port" (int .Values.ports.http) -}}
{{- $_ := set $server "grpc_listen_port" (int .Values.ports.grpc) -}}
{{- if .Values.tls.existingSecret -}}
{{- $tls := dict "cert_file" "/etc/loki-gateway/tls/tls.crt" "key_file" "/etc/loki-gateway/tls/tls.key" -}}
{{- if .Values.tls.clientCaSecret -}}
{{- $_ := set $tls "client_ca_file" (printf "/etc/loki-gateway/client-ca/%s" .Values.tls.clientCaKey) -}}
{{- end -}}
{{- $_ := set $server "tls" $tls -}}
{{- end -}}
{{- $_ := set $config "server" $server -}}
{{- $auth := default dict $config.auth -}}
{{- if .Values.credentials.existingSecret -}}
{{- $_ := set $auth "credentials_file" (printf "/etc/loki-gateway/credentials/%s" .Values.credentials.key) -}}
{{- end -}}
{{- $_ := set $config "auth" $auth -}}
{{- $upstream := default dict $config.upstream -}}
{{- if .Values.upstream.caSecret -}}
{{- $_ := set $upstream "ca_file" (printf "/etc/loki-gateway/upstream-ca/%s" .Values.upstream.caKey) -}}
{{- end -}}
{{- $_ := set $config "upstream" $upstream -}}
{{- $store := default dict $config.limits_store -}}
{{- $_ := set $store "replicas" (include "loki-gateway.limitsReplicas" . | int) -}}
{{- if .Values.redis.existingSecret -}}
{{- $_ := set $store "password_file" (printf "/etc/loki-gateway/redis/%s" .Values.redis.passwordKey) -}}
{{- end -}}
{{- $_ := set $config "limits_store" $store -}}
{{- $_ := set $config "runtime_config" (merge (dict "file" "/etc/loki-gateway/overrides/overrides.yaml") (default dict $config.runtime_config)) -}}
{{- $_ := set $config "admin" (dict "listen" (printf ":%d" (int .Values.ports.admin))) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What of it takes effect at a start only: the rest is read again by the running program and must not restart it. */}}
{{- define "loki-gateway.restartConfig" -}}
{{- $config := include "loki-gateway.config" . | fromYaml -}}
{{- $_ := set $config "server" (omit $config.server "access_log") -}}
{{- omit $config "limits_config" | toYaml -}}
{{- end -}}

{{- define "loki-gateway.overrides" -}}
{{- $overrides := dict -}}
{{- range $tenant, $facts := .Values.tenants -}}
{{- $_ := set $overrides $tenant (default dict $facts.limits) -}}
{{- end -}}
{{- toYaml (dict "overrides" $overrides) -}}
{{- end -}}

{{- define "loki-gateway.scheme" -}}
{{- ternary "https" "http" (ne .Values.tls.existingSecret "") -}}
{{- end -}}

{{/* The address inside the cluster. */}}
{{- define "loki-gateway.url" -}}
{{- $scheme := include "loki-gateway.scheme" . -}}
{{- $port := int .Values.service.port -}}
{{- printf "%s://%s.%s.svc.cluster.local" $scheme (include "loki-gateway.fullname" .) .Release.Namespace -}}
{{- if ne $port (ternary 443 80 (eq $scheme "https")) }}:{{ $port }}{{ end -}}
{{- end -}}

{{/* Dashboards and alerts tell clusters apart by this label. */}}
{{- define "loki-gateway.relabelings" -}}
- targetLabel: cluster
  replacement: {{ .Values.cluster | quote }}
{{- end -}}

{{/* Volumes with secrets, by the directory below /etc/loki-gateway that they are mounted at. */}}
{{- define "loki-gateway.secrets" -}}
{{- with .Values.credentials.existingSecret }}
credentials: {{ . }}
{{- end }}
{{- with .Values.tls.existingSecret }}
tls: {{ . }}
{{- end }}
{{- with .Values.tls.clientCaSecret }}
client-ca: {{ . }}
{{- end }}
{{- with .Values.upstream.caSecret }}
upstream-ca: {{ . }}
{{- end }}
{{- with .Values.redis.existingSecret }}
redis: {{ . }}
{{- end }}
{{- with .Values.trustedCa.existingSecret }}
trusted-ca: {{ . }}
{{- end }}
{{- end -}}

{{/* One rule of a NetworkPolicy, of {to, ports}. */}}
{{- define "loki-gateway.egress" -}}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
