{{/* Go's durations in seconds: 1h30m -> 5400. Fractions of a second do not count. */}}
{{- define "lokiops.seconds" -}}
{{- $units := dict "w" 604800 "d" 86400 "h" 3600 "m" 60 "s" 1 "ms" 0 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|w|d|h|m|s)" (toString .) -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get $units $unit)) -}}
{{- end -}}
{{- ceil $sum | int64 -}}
{{- end -}}

{{/* Sizes in bytes, of the program (96MiB, 1GB: 1024 in each spelling) and of Kubernetes (128Mi). */}}
{{- define "lokiops.bytes" -}}
{{- $powers := dict "" 1 "K" 1024 "M" 1048576 "G" 1073741824 "T" 1099511627776 -}}
{{- $text := ternary (printf "%.0f" (float64 .)) (toString .) (or (kindIs "float64" .) (kindIs "int64" .) (kindIs "int" .)) -}}
{{- $unit := regexFind "[KMGT]" (upper $text) -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $powers $unit) | int64 -}}
{{- end -}}

{{/* CPU in thousandths: 2 -> 2000, 50m -> 50. */}}
{{- define "lokiops.millicores" -}}
{{- $text := toString . -}}
{{- if hasSuffix "m" $text -}}
{{- trimSuffix "m" $text | int64 -}}
{{- else -}}
{{- mulf (float64 $text) 1000 | int64 -}}
{{- end -}}
{{- end -}}
