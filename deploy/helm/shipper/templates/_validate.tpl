{{/* What a schema cannot say: values that contradict each other. All of them at once, each with what to change. */}}
{{- define "loki-shipper.validate" -}}
{{- $errors := list -}}
{{- $config := .Values.config -}}
{{- $endpoint := default dict $config.endpoint -}}
{{- if not .Values.cluster -}}
{{- $errors = append $errors "cluster is required: the name of this cluster, which becomes the label `cluster` of every stream" -}}
{{- end -}}
{{- $label := dig "external_labels" "cluster" .Values.cluster $config -}}
{{- if ne (toString $label) .Values.cluster -}}
{{- $errors = append $errors (printf "config.external_labels.cluster is %q and cluster is %q: give cluster only" (toString $label) .Values.cluster) -}}
{{- end -}}
{{- if not $endpoint.url -}}
{{- $errors = append $errors "config.endpoint.url is required: the push address of the gateway" -}}
{{- end -}}
{{- $url := toString (default "" $endpoint.url) -}}
{{- if not .Values.auth.mode -}}
{{- $errors = append $errors "auth.mode is required: bearer, basic or none" -}}
{{- else if eq .Values.auth.mode "none" -}}
{{- if or .Values.auth.existingSecret .Values.auth.username -}}
{{- $errors = append $errors "auth.existingSecret and auth.username have no meaning with auth.mode none" -}}
{{- end -}}
{{- else -}}
{{- if not .Values.auth.existingSecret -}}
{{- $errors = append $errors (printf "auth.existingSecret is required with auth.mode %s: the name of a Secret in this namespace with the key %q" .Values.auth.mode (ternary .Values.auth.tokenKey .Values.auth.passwordKey (eq .Values.auth.mode "bearer"))) -}}
{{- end -}}
{{- if and (eq .Values.auth.mode "basic") (not .Values.auth.username) -}}
{{- $errors = append $errors "auth.username is required with auth.mode basic" -}}
{{- end -}}
{{- if and (eq .Values.auth.mode "bearer") .Values.auth.username -}}
{{- $errors = append $errors "auth.username has no meaning with auth.mode bearer" -}}
{{- end -}}
{{- end -}}
{{- if and (hasPrefix "http://" $url) (or .Values.tls.existingSecret .Values.tls.caSecret $endpoint.tls) -}}
{{- $errors = append $errors (printf "tls.* and config.endpoint.tls need an https:// address: config.endpoint.url is %s" $url) -}}
{{- end -}}
{{- $host := regexReplaceAll "^[a-z]+://([^/:]+).*$" $url "${1}" -}}
{{- if and .Values.networkPolicy.enabled (contains "." $host) (not (regexMatch "\\.svc(\\.|$)" $host)) -}}
{{- range .Values.networkPolicy.endpoint.to -}}
{{- if not .ipBlock -}}
{{- $errors = append $errors (printf "networkPolicy.endpoint.to names pods of this cluster, but config.endpoint.url is outside of it (%s): set to: [] for anywhere, or an ipBlock, and endpoint.ports" $host) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $drain := include "loki-shipper.seconds" (default "20s" $config.shutdown_timeout) | int64 -}}
{{- if lt (int64 .Values.terminationGracePeriodSeconds) (add $drain 5) -}}
{{- $errors = append $errors (printf "terminationGracePeriodSeconds is %d: it must be at least %d, 5 seconds above config.shutdown_timeout (%ds), or the last acknowledgements are cut off" (int64 .Values.terminationGracePeriodSeconds) (add $drain 5) $drain) -}}
{{- end -}}
{{- with dig "limits" "memory" "" .Values.resources -}}
{{- $aim := dig "limits" "memory" "64MiB" $config -}}
{{- if lt (include "loki-shipper.bytes" . | int64) (mul 2 (include "loki-shipper.bytes" $aim | int64)) -}}
{{- $errors = append $errors (printf "resources.limits.memory is %v: it must be at least twice config.limits.memory (%v), or the kernel ends the shipper under load" . $aim) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- $errors = append $errors "podMonitor.enabled and serviceMonitor.enabled: choose one, every pod would be scraped twice" -}}
{{- end -}}
{{- if eq (include "loki-shipper.stateHostPath" .) .Values.logPath -}}
{{- $errors = append $errors "state.hostPath and logPath are the same directory" -}}
{{- end -}}
{{- if and .Values.tests.enabled (has .Values.auth.mode (list "bearer" "basic")) (not .Values.tests.existingSecret) -}}
{{- $errors = append $errors (printf "tests.existingSecret is required with tests.enabled and auth.mode %s: a token that may read" .Values.auth.mode) -}}
{{- end -}}
{{- if and .Values.tests.enabled .Values.tls.existingSecret (eq .Values.auth.mode "none") (not .Values.tests.tlsSecret) -}}
{{- $errors = append $errors "tests.tlsSecret is required with tests.enabled and tls.existingSecret: a client certificate that may read" -}}
{{- end -}}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) -}}
{{- $errors = append $errors "image.tag is latest: pods of one release would run different programs; name a version, or a digest" -}}
{{- end -}}
{{- if $errors -}}
{{- fail (printf "\n\nloki-shipper: these values cannot work:\n  - %s\n" (join "\n  - " $errors)) -}}
{{- end -}}
{{- end -}}
