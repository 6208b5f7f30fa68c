{{/* The pod of a tool, all alike: Pod Security restricted. Takes {root, component, resources, serves, restartPolicy}. */}}
{{- define "lokiops.pod" -}}
{{- $values := .root.Values -}}
{{- $tool := include "lokiops.tool" . | fromYaml -}}
{{- $uses := include "lokiops.uses" . | fromYaml -}}
{{- $s3 := ternary $values.cost.s3 $values.storage.s3 (hasPrefix "cost" .component) -}}
serviceAccountName: {{ include "lokiops.serviceAccountName" . }}
# Of the API. The token for AWS is a volume of its own, which EKS adds by the account's annotation.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .restartPolicy }}
restartPolicy: {{ . }}
{{- end }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ int $values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # Secrets, volumes and the token for AWS are for this group.
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: {{ .component }}
    image: {{ include "lokiops.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args:
      {{- toYaml $tool.args | nindent 6 }}
    {{- if or $uses.s3 $values.extraEnv (and $values.trustedCa.existingSecret $uses.alertmanager) }}
    env:
      {{- if $uses.s3 }}
      # Without credentials of its own a tool must say so, and not take those of the node.
      - name: AWS_EC2_METADATA_DISABLED
        value: "true"
      {{- with $s3.existingSecret }}
      - name: AWS_ACCESS_KEY_ID
        valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $s3.accessKeyIdKey }}}}
      - name: AWS_SECRET_ACCESS_KEY
        valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $s3.secretAccessKeyKey }}}}
      {{- end }}
      {{- end }}
      {{- if and $values.trustedCa.existingSecret (or $uses.s3 $uses.alertmanager) }}
      - name: SSL_CERT_FILE
        value: /etc/lokiops/trusted-ca/{{ $values.trustedCa.key }}
      {{- end }}
      {{- with $values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- end }}
    {{- if .serves }}
    ports:
      - {name: admin, containerPort: {{ int $values.adminPort }}, protocol: TCP}
    startupProbe:
      httpGet: {path: /live, port: admin}
      periodSeconds: 2
      failureThreshold: 30
    livenessProbe:
      httpGet: {path: /live, port: admin}
      periodSeconds: 20
      timeoutSeconds: 5
      failureThreshold: 6
    # Ready is who has come to a first result. A Loki or a bucket that cannot be reached later leaves it ready: its metrics tell.
    readinessProbe:
      httpGet: {path: /ready, port: admin}
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 2
    {{- end }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    securityContext:
      privileged: false
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      runAsNonRoot: true
      capabilities:
        drop: [ALL]
    {{- with $tool.volumes }}
    volumeMounts:
      {{- range . }}
      - {name: {{ .name }}, mountPath: {{ .mountPath }}, readOnly: {{ .readOnly }}}
      {{- end }}
    {{- end }}
{{- with $tool.volumes }}
volumes:
  {{- range . }}
  - name: {{ .name }}
    {{- toYaml .source | nindent 4 }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
