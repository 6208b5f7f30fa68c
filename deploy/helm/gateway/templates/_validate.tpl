{{/* What a schema cannot say: values that contradict each other. All of them at once, each with what to change. */}}
{{- define "loki-gateway.validate" -}}
{{- $errors := list -}}
{{- $config := .Values.config -}}
{{- $auth := default dict $config.auth -}}
{{- $mode := default "" $auth.mode -}}
{{- $store := default dict $config.limits_store -}}
{{- $kind := default "local" $store.kind -}}

{{- if not $mode -}}
{{- $errors = append $errors "config.auth.mode is required: static, mtls, jwt or trust. There is no default, because an open door must be chosen" -}}
{{- end -}}
{{- if and (has $mode (list "static" "mtls")) (not .Values.credentials.existingSecret) -}}
{{- $errors = append $errors (printf "credentials.existingSecret is required with config.auth.mode %s: a Secret in this namespace with the key %q, made by loki-gateway hash-credential" $mode .Values.credentials.key) -}}
{{- end -}}
{{- if and (has $mode (list "trust" "jwt")) .Values.credentials.existingSecret -}}
{{- $errors = append $errors (printf "credentials.existingSecret has no meaning with config.auth.mode %s" $mode) -}}
{{- end -}}
{{- if eq $mode "mtls" -}}
{{- if not .Values.tls.existingSecret -}}
{{- $errors = append $errors "tls.existingSecret is required with config.auth.mode mtls: the gateway needs a certificate of its own" -}}
{{- end -}}
{{- if not .Values.tls.clientCaSecret -}}
{{- $errors = append $errors "tls.clientCaSecret is required with config.auth.mode mtls: the authorities of the clients' certificates" -}}
{{- end -}}
{{- else if .Values.tls.clientCaSecret -}}
{{- $errors = append $errors "tls.clientCaSecret has no meaning unless config.auth.mode is mtls" -}}
{{- end -}}
{{- if eq $mode "jwt" -}}
{{- range $key := list "issuer" "audience" "jwks_url" -}}
{{- if not (dig "jwt" $key "" $auth) -}}
{{- $errors = append $errors (printf "config.auth.jwt.%s is required with config.auth.mode jwt" $key) -}}
{{- end -}}
{{- end -}}
{{- else if $auth.jwt -}}
{{- $errors = append $errors "config.auth.jwt has no meaning unless config.auth.mode is jwt" -}}
{{- end -}}
{{- if eq $mode "trust" -}}
{{- if or (ne .Values.service.type "ClusterIP") .Values.ingress.enabled -}}
{{- $errors = append $errors "config.auth.mode trust takes every tenant's name as it is sent: service.type must be ClusterIP and ingress.enabled false" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.clients) -}}
{{- $errors = append $errors "config.auth.mode trust takes every tenant's name as it is sent: name in networkPolicy.clients who may come (or set networkPolicy.enabled: false, if something else keeps the door)" -}}
{{- end -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- if eq $mode "mtls" -}}
{{- $errors = append $errors "ingress.enabled: client certificates end at the ingress controller; with config.auth.mode mtls use service.type LoadBalancer" -}}
{{- end -}}
{{- if not .Values.ingress.host -}}{{- $errors = append $errors "ingress.host is required with ingress.enabled" -}}{{- end -}}
{{- if not .Values.ingress.tlsSecret -}}
{{- $errors = append $errors "ingress.tlsSecret is required with ingress.enabled: tokens must not travel in the clear" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.service.loadBalancerSourceRanges (ne .Values.service.type "LoadBalancer") -}}
{{- $errors = append $errors "service.loadBalancerSourceRanges has no meaning unless service.type is LoadBalancer" -}}
{{- end -}}
{{- if and (eq .Values.service.type "LoadBalancer") (not .Values.tls.existingSecret) -}}
{{- $errors = append $errors "tls.existingSecret is required with service.type LoadBalancer: tokens must not travel in the clear" -}}
{{- end -}}

{{- $push := toString (default "" (dig "upstream" "push_url" "" $config)) -}}
{{- if not $push -}}
{{- $errors = append $errors "config.upstream.push_url is required: Loki's distributors" -}}
{{- end -}}
{{- if and .Values.upstream.caSecret (not (hasPrefix "https://" $push)) -}}
{{- $errors = append $errors (printf "upstream.caSecret needs an https:// address: config.upstream.push_url is %s" $push) -}}
{{- end -}}

{{- if eq $kind "redis" -}}
{{- if not $store.address -}}{{- $errors = append $errors "config.limits_store.address is required with config.limits_store.kind redis: host:port" -}}{{- end -}}
{{- if and $store.username (not .Values.redis.existingSecret) -}}
{{- $errors = append $errors "config.limits_store.username needs redis.existingSecret" -}}
{{- end -}}
{{- else -}}
{{- if .Values.redis.existingSecret -}}
{{- $errors = append $errors "redis.existingSecret has no meaning unless config.limits_store.kind is redis" -}}
{{- end -}}
{{- range $key := without (keys $store) "kind" | sortAlpha -}}
{{- $errors = append $errors (printf "config.limits_store.%s has no meaning unless config.limits_store.kind is redis" $key) -}}
{{- end -}}
{{- if include "loki-gateway.scaled" . -}}
{{- $errors = append $errors "autoscaling.enabled and keda.enabled need config.limits_store.kind redis: with local every gateway grants its share of a limit, so another number of gateways is another limit for every tenant" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- $errors = append $errors "autoscaling.enabled and keda.enabled: choose one, they would work against each other" -}}
{{- end -}}
{{- range $name := list "autoscaling" "keda" -}}
{{- $scale := index $.Values $name -}}
{{- if and $scale.enabled (gt (int $scale.minReplicas) (int $scale.maxReplicas)) -}}
{{- $errors = append $errors (printf "%s.minReplicas is %d, above %s.maxReplicas, which is %d" $name (int $scale.minReplicas) $name (int $scale.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (not (dig "requests" "cpu" "" .Values.resources)) -}}
{{- $errors = append $errors "autoscaling.enabled needs resources.requests.cpu: its target is a part of it" -}}
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.keda.prometheusAddress) -}}
{{- $errors = append $errors "keda.prometheusAddress is required with keda.enabled" -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (eq (toString .Values.podDisruptionBudget.maxUnavailable) "0") -}}
{{- $errors = append $errors "podDisruptionBudget.maxUnavailable is 0: no node with a gateway could ever be drained" -}}
{{- end -}}
{{- if and (eq (toString .Values.strategy.maxSurge) "0") (eq (toString .Values.strategy.maxUnavailable) "0") -}}
{{- $errors = append $errors "strategy.maxSurge and strategy.maxUnavailable are both 0: an update could never begin" -}}
{{- end -}}

{{- $delay := include "loki-gateway.seconds" (default "0s" $config.shutdown_delay) | int64 -}}
{{- $drain := include "loki-gateway.seconds" (dig "server" "graceful_shutdown_timeout" "20s" $config) | int64 -}}
{{- $needed := add $delay $drain 5 -}}
{{- if lt (int64 .Values.terminationGracePeriodSeconds) $needed -}}
{{- $errors = append $errors (printf "terminationGracePeriodSeconds is %d: it must be at least %d, 5 seconds above config.shutdown_delay (%ds) and config.server.graceful_shutdown_timeout (%ds) together, or pushes under way are cut off" (int64 .Values.terminationGracePeriodSeconds) $needed $delay $drain) -}}
{{- end -}}
{{- with dig "limits" "memory" "" .Values.resources -}}
{{- $inflight := dig "server" "max_inflight_bytes" "256MiB" $config -}}
{{- if lt (include "loki-gateway.bytes" . | int64) (add (include "loki-gateway.bytes" $inflight | int64) 201326592) -}}
{{- $errors = append $errors (printf "resources.limits.memory is %v: it must hold config.server.max_inflight_bytes (%v) and 192Mi besides, or the kernel ends the gateway under load" . $inflight) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- $errors = append $errors "podMonitor.enabled and serviceMonitor.enabled: choose one, every pod would be scraped twice" -}}
{{- end -}}
{{- if and (or .Values.podMonitor.enabled .Values.serviceMonitor.enabled) (not .Values.cluster) -}}
{{- $errors = append $errors "cluster is required with podMonitor.enabled or serviceMonitor.enabled: dashboards and alerts tell clusters apart by this label" -}}
{{- end -}}
{{- $ports := list (int .Values.ports.http) (int .Values.ports.grpc) (int .Values.ports.admin) -}}
{{- if ne (len $ports) (len ($ports | uniq)) -}}
{{- $errors = append $errors "ports.http, ports.grpc and ports.admin must differ" -}}
{{- end -}}
{{- if eq (int .Values.service.port) (int .Values.service.grpcPort) -}}
{{- $errors = append $errors "service.port and service.grpcPort must differ" -}}
{{- end -}}
{{- if .Values.tests.enabled -}}
{{- if and (has $mode (list "static" "jwt")) (not .Values.tests.existingSecret) -}}
{{- $errors = append $errors (printf "tests.existingSecret is required with tests.enabled and config.auth.mode %s" $mode) -}}
{{- end -}}
{{- if and (eq $mode "mtls") (not .Values.tests.tlsSecret) -}}
{{- $errors = append $errors "tests.tlsSecret is required with tests.enabled and config.auth.mode mtls" -}}
{{- end -}}
{{- if and (eq $mode "trust") (not .Values.tests.tenant) -}}
{{- $errors = append $errors "tests.tenant is required with tests.enabled and config.auth.mode trust" -}}
{{- end -}}
{{- if not (dig "upstream" "query_url" "" $config) -}}
{{- $errors = append $errors "tests.enabled needs config.upstream.query_url: without it the gateway answers no queries" -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) -}}
{{- $errors = append $errors "image.tag is latest: pods of one release would run different programs; name a version, or a digest" -}}
{{- end -}}
{{- if $errors -}}
{{- fail (printf "\n\nloki-gateway: these values cannot work:\n  - %s\n" (join "\n  - " $errors)) -}}
{{- end -}}
{{- end -}}
