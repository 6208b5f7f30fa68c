{{/* What each tool is started with: {args, volumes}. A volume is {name, mountPath, readOnly, source}. One place, so that the Deployment, the CronJob
     and the Job cannot differ in how they reach Loki or S3. All take {root, component}. */}}

{{- define "lokiops.tool" -}}
{{- $tool := include (printf "lokiops.tool.%s" .component) . | fromYaml -}}
{{- $values := .root.Values -}}
{{- $uses := include "lokiops.uses" . | fromYaml -}}
{{- $volumes := default list $tool.volumes -}}
{{- if $uses.loki -}}
{{- with $values.loki.auth -}}
{{- if ne .mode "none" -}}
{{- $key := ternary .passwordKey (ternary .readTokenKey .probeTokenKey (eq $.component "audit")) (eq .mode "basic") -}}
{{- /* The one key that the tool needs: the audit has no token that may push. */ -}}
{{- $secret := dict "secretName" .existingSecret "defaultMode" 0440 "items" (list (dict "key" $key "path" (ternary "password" "token" (eq .mode "basic")))) -}}
{{- $volumes = append $volumes (dict "name" "loki-auth" "mountPath" "/etc/lokiops/loki-auth" "readOnly" true "source" (dict "secret" $secret)) -}}
{{- end -}}
{{- end -}}
{{- with $values.loki.caSecret -}}
{{- $volumes = append $volumes (dict "name" "loki-ca" "mountPath" "/etc/lokiops/loki-ca" "readOnly" true "source" (dict "secret" (dict "secretName" . "defaultMode" 0440))) -}}
{{- end -}}
{{- end -}}
{{- if and $values.trustedCa.existingSecret (or $uses.s3 $uses.alertmanager) -}}
{{- $secret := dict "secretName" $values.trustedCa.existingSecret "defaultMode" 0440 -}}
{{- $volumes = append $volumes (dict "name" "trusted-ca" "mountPath" "/etc/lokiops/trusted-ca" "readOnly" true "source" (dict "secret" $secret)) -}}
{{- end -}}
{{- toYaml (dict "args" $tool.args "volumes" $volumes) -}}
{{- end -}}

{{- define "lokiops.tool.audit" -}}
{{- $audit := .root.Values.audit -}}
args:
  - completeness
  {{- include "lokiops.lokiArgs" (dict "root" .root "names" $audit.tenants) | nindent 2 }}
  - --follow
  - --serve=:{{ int .root.Values.adminPort }}
  - --threshold={{ $audit.threshold }}
  - --window={{ $audit.window }}
  - --interval={{ $audit.interval }}
  - --grace={{ $audit.grace }}
  {{- with $audit.selector }}
  - {{ printf "--selector=%s" . | quote }}
  {{- end }}
  - --source-labels={{ join "," $audit.sourceLabels }}
  - --memory={{ int $audit.memoryMiB }}
  - --scratch-directory=/var/lib/lokiops/scratch
  {{- range $audit.extraArgs }}
  - {{ . | quote }}
  {{- end }}
volumes:
  - {name: scratch, mountPath: /var/lib/lokiops/scratch, readOnly: false, source: {emptyDir: {sizeLimit: {{ $audit.scratchSize }}}}}
{{- end -}}

{{- define "lokiops.tool.storage" -}}
{{- $storage := .root.Values.storage -}}
args:
  - storage-lag
  - --bucket={{ $storage.bucket }}
  {{- include "lokiops.s3Args" $storage.s3 | nindent 2 }}
  {{- range $storage.prefixes }}
  - {{ printf "--prefix=%s" . | quote }}
  {{- end }}
  - --serve=:{{ int .root.Values.adminPort }}
  - --interval={{ $storage.interval }}
  - --listing-interval={{ $storage.listingInterval }}
  - --pages={{ int $storage.pages }}
  # A file for each bucket: that of another one would be refused.
  - --state-file=/var/lib/lokiops/state/{{ $storage.bucket }}.json
  {{- if $storage.readback.enabled }}
  {{- include "lokiops.lokiArgs" (dict "root" .root "names" $storage.readback.tenants) | nindent 2 }}
  - --readback-timeout={{ $storage.readback.timeout }}
  {{- end }}
  {{- range $storage.extraArgs }}
  - {{ . | quote }}
  {{- end }}
volumes:
  {{- if $storage.persistence.enabled }}
  - name: state
    mountPath: /var/lib/lokiops/state
    readOnly: false
    source: {persistentVolumeClaim: {claimName: {{ default (include "lokiops.name" .) $storage.persistence.existingClaim }}}}
  {{- else }}
  - {name: state, mountPath: /var/lib/lokiops/state, readOnly: false, source: {emptyDir: {sizeLimit: 256Mi}}}
  {{- end }}
{{- end -}}

{{- define "lokiops.tool.cost" -}}
args:
  {{- include "lokiops.costArgs" . | nindent 2 }}
  - --serve=:{{ int .root.Values.adminPort }}
  - --every={{ .root.Values.cost.exporter.every }}
  {{- range .root.Values.cost.extraArgs }}
  - {{ . | quote }}
  {{- end }}
volumes:
  {{- include "lokiops.costVolumes" .root | nindent 2 }}
{{- end -}}

{{- define "lokiops.tool.cost-report" -}}
{{- $cost := .root.Values.cost -}}
args:
  {{- include "lokiops.costArgs" . | nindent 2 }}
  - --format={{ $cost.report.format }}
  {{- range $cost.report.periods }}
  - --period={{ . }}
  {{- end }}
  {{- if $cost.report.existingClaim }}
  - --output=/var/lib/lokiops/reports/cost.{{ $cost.report.format | replace "table" "txt" }}
  {{- end }}
  {{- range $cost.extraArgs }}
  - {{ . | quote }}
  {{- end }}
volumes:
  {{- include "lokiops.costVolumes" .root | nindent 2 }}
  {{- with $cost.report.existingClaim }}
  - {name: reports, mountPath: /var/lib/lokiops/reports, readOnly: false, source: {persistentVolumeClaim: {claimName: {{ . }}}}}
  {{- end }}
{{- end -}}

{{- define "lokiops.tool.preflight" -}}
{{- $values := .root.Values -}}
{{- $preflight := $values.preflight -}}
{{- $volumes := list -}}
args:
  - preflight
  {{- range default (list $values.storage.bucket) $preflight.buckets }}
  - --bucket={{ . }}
  {{- end }}
  {{- include "lokiops.s3Args" $values.storage.s3 | nindent 2 }}
  {{- include "lokiops.lokiArgs" (dict "root" .root "names" $preflight.tenants) | nindent 2 }}
  {{- if $preflight.readOnly }}
  - --read-only
  {{- end }}
  # Two arguments: an empty one after an = is taken for none.
  - --foreign-tenant
  - {{ $preflight.foreignTenant | quote }}
  - --readback-timeout={{ $preflight.readbackTimeout }}
  {{- if or $preflight.policy (include "lokiops.tenantsFile" .root) }}
  {{- $source := dict "configMap" (dict "name" (include "lokiops.name" .)) }}
  {{- $volumes = append $volumes (dict "name" "facts" "mountPath" "/etc/lokiops/facts" "readOnly" true "source" $source) }}
  {{- end }}
  {{- if include "lokiops.tenantsFile" .root }}
  - --tenants-file=/etc/lokiops/facts/tenants.yaml
  {{- end }}
  {{- if $preflight.policy }}
  - --policy=/etc/lokiops/facts/policy.json
  {{- end }}
  {{- with $preflight.lokiConfig.configMap }}
  {{- $volumes = append $volumes (dict "name" "loki-config" "mountPath" "/etc/lokiops/loki-config" "readOnly" true "source" (dict "configMap" (dict "name" .))) }}
  - --loki-config=/etc/lokiops/loki-config/{{ $preflight.lokiConfig.key }}
  {{- end }}
  {{- range $index, $file := $preflight.overrides }}
  {{- $name := printf "overrides-%d" $index }}
  {{- $volumes = append $volumes (dict "name" $name "mountPath" (printf "/etc/lokiops/%s" $name) "readOnly" true "source" (dict "configMap" (dict "name" $file.configMap))) }}
  - --overrides=/etc/lokiops/{{ $name }}/{{ $file.key }}
  {{- end }}
  {{- range $preflight.extraArgs }}
  - {{ . | quote }}
  {{- end }}
volumes:
  {{- with $volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* preflight holds Loki's configuration against the tenants; without their retention there is nothing to hold. */}}
{{- define "lokiops.tenantsFile" -}}
{{- $whole := gt (len .Values.tenants) 0 -}}
{{- range .Values.tenants }}{{ if not .retention_days }}{{ $whole = false }}{{ end }}{{ end -}}
{{- if and .Values.preflight.enabled $whole }}true{{ end -}}
{{- end -}}

{{/* Takes {root, names}: names of the tenants, or none for all. */}}
{{- define "lokiops.lokiArgs" -}}
{{- $loki := .root.Values.loki -}}
- --loki={{ $loki.address }}
{{- range (include "lokiops.tenants" . | fromYaml).list }}
- {{ printf "--tenant=%s" . | quote }}
{{- end }}
{{- if eq $loki.auth.mode "bearer" }}
- --bearer-token-file=/etc/lokiops/loki-auth/token
{{- else if eq $loki.auth.mode "basic" }}
- {{ printf "--username=%s" $loki.auth.username | quote }}
- --password-file=/etc/lokiops/loki-auth/password
{{- end }}
{{- if $loki.caSecret }}
- --ca-file=/etc/lokiops/loki-ca/{{ $loki.caKey }}
{{- end }}
- --parallelism={{ int $loki.parallelism }}
- --timeout={{ $loki.timeout }}
{{- end -}}

{{/* Takes the values s3 of a tool. */}}
{{- define "lokiops.s3Args" -}}
{{- with .region }}
- --s3.region={{ . }}
{{- end }}
{{- with .endpoint }}
- --s3.endpoint={{ . }}
{{- end }}
{{- if kindIs "bool" .forcePathStyle }}
- --s3.force-path-style={{ .forcePathStyle }}
{{- end }}
{{- end -}}

{{- define "lokiops.costArgs" -}}
{{- $cost := .root.Values.cost -}}
- cost
- report
{{- range $cost.sources }}
- {{ printf "--source=%s" . | quote }}
{{- end }}
{{- include "lokiops.s3Args" $cost.s3 }}
{{- if $cost.rules }}
- --rules=/etc/lokiops/cost/rules.yaml
{{- end }}
{{- if $cost.prices }}
- --prices=/etc/lokiops/cost/prices.yaml
{{- end }}
- --cost={{ $cost.basis }}
{{- with include "lokiops.alertmanager" . }}
- --alertmanager={{ . }}
{{- end }}
{{- end -}}

{{- define "lokiops.costVolumes" -}}
{{- if or .Values.cost.rules .Values.cost.prices }}
- {name: config, mountPath: /etc/lokiops/cost, readOnly: true, source: {configMap: {name: {{ include "lokiops.fullname" . }}-cost-config}}}
{{- end }}
{{- with .Values.cost.sourcesClaim }}
- {name: sources, mountPath: /var/lib/lokiops/sources, readOnly: true, source: {persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}}}
{{- end }}
{{- end -}}
