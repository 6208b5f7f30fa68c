# One line to this container's log, then the question whether Loki has it. Ends with 0 when it has, with 1 and the last answer when it has not.
set -u
marker="helm-test-$(cat /proc/sys/kernel/random/uuid)"
begin=$(date +%s)
echo "$marker"

# Headers go in by stdin: a token in an argument would be in the process list.
headers() {
  [ -z "$TOKEN_FILE" ] || printf 'header = "Authorization: Bearer %s"\n' "$(cat "$TOKEN_FILE")"
  [ -z "$TENANT" ] || printf 'header = "X-Scope-OrgID: %s"\n' "$TENANT"
  [ -z "$CA_FILE" ] || printf 'cacert = "%s"\n' "$CA_FILE"
  [ -z "$CERT_DIR" ] || printf 'cert = "%s/tls.crt"\nkey = "%s/tls.key"\n' "$CERT_DIR" "$CERT_DIR"
}

answer=none
while [ $(($(date +%s) - begin)) -lt "$TIMEOUT_SECONDS" ]; do
  answer=$(headers | curl -sS -G -K - --max-time 10 --write-out ' status %{http_code}' \
    --data-urlencode "query={cluster=\"$CLUSTER\", pod=\"$POD_NAME\"} |= \"$marker\"" \
    --data-urlencode "start=${begin}000000000" --data-urlencode limit=1 \
    "$QUERY_URL/loki/api/v1/query_range" 2>&1)
  case "$answer" in
    *"$marker"*" status 200")
      echo "the line was in Loki after $(($(date +%s) - begin)) s"
      exit 0 ;;
  esac
  sleep 2
done
echo "the line was not in Loki after $TIMEOUT_SECONDS s; the last answer of $QUERY_URL: $answer" >&2
exit 1
