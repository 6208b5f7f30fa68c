{{/* What a schema cannot say: values that contradict each other. All of them at once, each with what to change. */}}
{{- define "lokiops.validate" -}}
{{- $errors := list -}}
{{- $values := .Values -}}
{{- $audit := .Values.audit -}}
{{- $storage := .Values.storage -}}
{{- $cost := .Values.cost -}}
{{- $preflight := .Values.preflight -}}
{{- $auth := .Values.loki.auth -}}
{{- $hasCost := or $cost.exporter.enabled $cost.report.enabled -}}
{{- $probes := or (and $storage.enabled $storage.readback.enabled) $preflight.enabled -}}
{{- $all := keys .Values.tenants | sortAlpha -}}

{{- if not (include "lokiops.components" . | fromYaml).list -}}
{{- $errors = append $errors "nothing is enabled: set audit.enabled, storage.enabled, cost.exporter.enabled, cost.report.enabled or preflight.enabled" -}}
{{- end -}}

{{- $asks := dict "audit.tenants" (list $audit.enabled $audit.tenants) -}}
{{- $_ := set $asks "storage.readback.tenants" (list (and $storage.enabled $storage.readback.enabled) $storage.readback.tenants) -}}
{{- $_ := set $asks "preflight.tenants" (list $preflight.enabled $preflight.tenants) -}}
{{- range $path, $asks := $asks -}}
{{- if index $asks 0 -}}
{{- if not (or (index $asks 1) $all) -}}
{{- $errors = append $errors (printf "%s is empty, and so is tenants: name them, or give -f deploy/tenants.yaml" $path) -}}
{{- end -}}
{{- if $all -}}
{{- range index $asks 1 -}}
{{- if not (has . $all) -}}
{{- $errors = append $errors (printf "%s names %q, which is not in tenants: %s" $path . (join ", " $all)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if or $audit.enabled $probes -}}
{{- if not .Values.loki.address -}}{{- $errors = append $errors "loki.address is required: Loki, or the gateway in front of it" -}}{{- end -}}
{{- if not $auth.mode -}}
{{- $errors = append $errors "loki.auth.mode is required: bearer, basic, or none where Loki is asked without a credential" -}}
{{- end -}}
{{- if and (has $auth.mode (list "bearer" "basic")) (not $auth.existingSecret) -}}
{{- $errors = append $errors (printf "loki.auth.existingSecret is required with loki.auth.mode %s" $auth.mode) -}}
{{- end -}}
{{- if and (eq $auth.mode "basic") (not $auth.username) -}}
{{- $errors = append $errors "loki.auth.username is required with loki.auth.mode basic" -}}
{{- end -}}
{{- if and (ne $auth.mode "basic") $auth.username -}}
{{- $errors = append $errors (printf "loki.auth.username has no meaning with loki.auth.mode %s" $auth.mode) -}}
{{- end -}}
{{- if and (eq $auth.mode "none") $auth.existingSecret -}}
{{- $errors = append $errors "loki.auth.existingSecret has no meaning with loki.auth.mode none" -}}
{{- end -}}
{{- if and .Values.loki.caSecret (not (hasPrefix "https://" .Values.loki.address)) -}}
{{- $errors = append $errors (printf "loki.caSecret needs an https:// address: loki.address is %s" .Values.loki.address) -}}
{{- end -}}
{{- end -}}

{{- if $audit.enabled -}}
{{- $window := include "lokiops.seconds" $audit.window | int64 -}}
{{- if or (lt $window 60) (gt $window 86400) -}}
{{- $errors = append $errors (printf "audit.window is %s: the tool takes 1m to 24h" $audit.window) -}}
{{- end -}}
{{- with dig "limits" "memory" "" $audit.resources -}}
{{- $tenants := len (include "lokiops.tenants" (dict "root" $ "names" $audit.tenants) | fromYaml).list -}}
{{- $needed := add (mul (int64 $audit.memoryMiB) $tenants) 128 -}}
{{- if lt (include "lokiops.bytes" . | int64) (mul $needed 1048576) -}}
{{- $errors = append $errors (printf "audit.resources.limits.memory is %v: it must hold audit.memoryMiB (%d) for each of %d tenants and 128Mi besides, which is %dMi; more of a ledger goes to files" . (int64 $audit.memoryMiB) $tenants $needed) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if and $storage.enabled (not $storage.bucket) -}}
{{- $errors = append $errors "storage.bucket is required with storage.enabled: Loki's, with chunks and index" -}}
{{- end -}}
{{- if and $storage.persistence.existingClaim (not $storage.persistence.enabled) -}}
{{- $errors = append $errors "storage.persistence.existingClaim has no meaning unless storage.persistence.enabled" -}}
{{- end -}}
{{- $longest := include "lokiops.seconds" $storage.readback.timeout | int64 -}}
{{- if and $storage.enabled $storage.readback.enabled (ge $longest (include "lokiops.seconds" $storage.interval | int64)) -}}
{{- $errors = append $errors (printf "storage.readback.timeout is %s: it must be below storage.interval (%s), or one probe would hold up the next look" $storage.readback.timeout $storage.interval) -}}
{{- end -}}

{{- if $hasCost -}}
{{- if not $cost.sources -}}
{{- $errors = append $errors "cost.sources is empty: name at least one, such as s3://BUCKET/PREFIX of a FOCUS export" -}}
{{- end -}}
{{- $local := false -}}
{{- range $source := $cost.sources -}}
{{- $place := regexReplaceAll "^(focus|opencost|usage):" $source "" -}}
{{- if not (hasPrefix "s3://" $place) -}}
{{- $local = true -}}
{{- if not $cost.sourcesClaim -}}
{{- $errors = append $errors (printf "cost.sources: %s is a path, and cost.sourcesClaim names no volume that it could be in" $source) -}}
{{- end -}}
{{- end -}}
{{- if and (hasPrefix "usage:" $source) (not $cost.prices) -}}
{{- $errors = append $errors (printf "cost.prices is required: %s holds figures without prices" $source) -}}
{{- end -}}
{{- end -}}
{{- if and $cost.sourcesClaim (not $local) -}}
{{- $errors = append $errors "cost.sourcesClaim has no meaning: none of cost.sources is below /var/lib/lokiops/sources" -}}
{{- end -}}
{{- $currency := default "USD" $cost.rules.currency -}}
{{- if and $cost.exporter.enabled (ne $currency "USD") -}}
{{- $errors = append $errors (printf "cost.exporter.enabled: its metric is loki_cost_usd, and cost.rules.currency is %s; use cost.report" $currency) -}}
{{- end -}}
{{- if and $cost.prices (ne $currency (default "" $cost.prices.currency)) -}}
{{- $errors = append $errors (printf "cost.prices.currency is %q, and the report's is %s: amounts of two currencies are never added" (default "" $cost.prices.currency) $currency) -}}
{{- end -}}
{{- if and $cost.report.existingClaim (eq $cost.report.existingClaim $cost.sourcesClaim) -}}
{{- $errors = append $errors "cost.report.existingClaim and cost.sourcesClaim are the same: reports would be read as sources" -}}
{{- end -}}
{{- end -}}

{{- if and $preflight.enabled (not (or $preflight.buckets $storage.bucket)) -}}
{{- $errors = append $errors "preflight.buckets or storage.bucket is required with preflight.enabled" -}}
{{- end -}}
{{- if and $preflight.enabled $preflight.overrides (not (include "lokiops.tenantsFile" .)) -}}
{{- $errors = append $errors "preflight.overrides has nothing to be held against: give tenants with retention_days, such as -f deploy/tenants.yaml" -}}
{{- end -}}
{{- if and $preflight.enabled $preflight.foreignTenant (eq $auth.mode "none") -}}
{{- $errors = append $errors "preflight.foreignTenant: with loki.auth.mode none every tenant is let in, so that the check can only fail; set it to \"\"" -}}
{{- end -}}
{{- if and $preflight.enabled $preflight.foreignTenant (has $preflight.foreignTenant $all) -}}
{{- $errors = append $errors (printf "preflight.foreignTenant is %s, one of tenants" $preflight.foreignTenant) -}}
{{- end -}}

{{- range $tool, $s3 := dict "storage" $storage.s3 "cost" $cost.s3 -}}
{{- if and $s3.existingSecret (index $values $tool).serviceAccount.annotations -}}
{{- if hasKey (index $values $tool).serviceAccount.annotations "eks.amazonaws.com/role-arn" -}}
{{- $errors = append $errors (printf "%s.s3.existingSecret and %s.serviceAccount.annotations with a role: choose one, the keys would win without a word" $tool $tool) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $accounts := dict -}}
{{- range $component := (include "lokiops.components" . | fromYaml).list -}}
{{- $tool := $component | replace "cost-report" "cost" -}}
{{- $account := (index $values $tool).serviceAccount -}}
{{- if $account.create -}}
{{- $name := include "lokiops.serviceAccountName" (dict "root" $ "component" $tool) -}}
{{- if ne (default $tool (get $accounts $name)) $tool -}}
{{- $errors = append $errors (printf "%s.serviceAccount.name and %s.serviceAccount.name are both %s: with create each needs its own" (get $accounts $name) $tool $name) -}}
{{- end -}}
{{- $_ := set $accounts $name $tool -}}
{{- end -}}
{{- end -}}

{{- if lt (int64 .Values.terminationGracePeriodSeconds) 15 -}}
{{- $errors = append $errors (printf "terminationGracePeriodSeconds is %d: it must be at least 15, the tools take up to 10 to stop" (int64 .Values.terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- $errors = append $errors "podMonitor.enabled and serviceMonitor.enabled: choose one, every pod would be scraped twice" -}}
{{- end -}}
{{- if and (or .Values.podMonitor.enabled .Values.serviceMonitor.enabled) (not .Values.cluster) -}}
{{- $errors = append $errors "cluster is required with podMonitor.enabled or serviceMonitor.enabled: dashboards and alerts tell clusters apart by this label" -}}
{{- end -}}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) -}}
{{- $errors = append $errors "image.tag is latest: pods of one release would run different programs; name a version, or a digest" -}}
{{- end -}}
{{- if $errors -}}
{{- fail (printf "\n\nlokiops: these values cannot work:\n  - %s\n" (join "\n  - " $errors)) -}}
{{- end -}}
{{- end -}}
