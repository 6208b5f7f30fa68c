// What is shown where. Each description ends in what to do when the panel looks bad. In metrics that the gateway makes of shippers' reports, cluster is the
// one of the lines; everywhere else it is the one of the program.
import { dashboard, graph, levels, number, row, table } from "./panels.mjs";

const C = 'cluster=~"$cluster"';
const CT = 'cluster=~"$cluster", tenant=~"$tenant"';
const pushes = 'route=~"push|legacy_push|otlp_logs|grpc_push"';
const rate = (metric, labels, by) => `sum by (${by}) (rate(${metric}{${labels}}[$__rate_interval]))`;
const quantile = (q, metric, labels, by = []) => `histogram_quantile(${q}, ${rate(`${metric}_bucket`, labels, ["le", ...by].join(", "))})`;
const ratio = (part, whole) => `${part} / (${whole} > 0)`;
const perCent = levels(0.01, 0.05);
const any = levels(1, 10);

const overview = dashboard({
  name: "overview", title: "Overview and SLO", about: "Is everything that was written on the nodes in Loki? Start here.",
  clusters: "loki_gateway_completeness_ratio", tenants: "loki_gateway_completeness_ratio",
}, [
  row("Is anything missing?"),
  number("In Loki now", {
    unit: "percentunit", decimals: 2, thresholds: levels(0.95, 0.999, "high"), width: 4, max: 1,
    queries: { "": ratio(`sum(loki_gateway_completeness_acked_lines{${CT}})`, `sum(loki_gateway_completeness_expected_lines{${CT}})`) },
    about: "Part of the lines of the last 10 minutes that Loki has, late ones not counted as there. Under 99.9 %: look at the table of sources below; under 95 % LogCollectionGap fires.",
  }),
  number("Gone for good, 30 days", {
    unit: "percentunit", decimals: 3, thresholds: levels(0.0005, 0.001), width: 4, spark: false,
    queries: { "": ratio(`sum(sum_over_time(tenant_cluster:loki_gateway_completeness_gone_lines:sum{${CT}}[30d]))`,
      `sum(sum_over_time(tenant_cluster:loki_gateway_completeness_decided_lines:sum{${CT}}[30d]))`) },
    about: "Lost before they were read, or refused for good, of all decided lines. The objective allows 0.1 %. Over it: find the day in 'Burn rate' and the reason on the dashboards Shipper and Tenants.",
  }),
  number("Sources with gaps", {
    unit: "short", thresholds: any, width: 4, queries: { "": `sum(max by (tenant, cluster) (loki_gateway_missing_sources{${CT}}))` },
    about: "Pods, containers and files of which lines are missing right now. GET /api/v1/completeness on the gateway's admin port names each with its reason.",
  }),
  number("Silent nodes", {
    unit: "short", thresholds: levels(1, 2), width: 4, link: { title: "Shipper", to: "shipper" },
    queries: { "": `count(time() - max by (cluster, node) (loki_gateway_shipper_last_report_timestamp_seconds{${C}}) > 300 unless max by (cluster, node) (loki_gateway_shipper_stopped_timestamp_seconds{${C}}) >= max by (cluster, node) (loki_gateway_shipper_last_report_timestamp_seconds{${C}})) or vector(0)` },
    about: "Nodes whose shipper has not reported for 5 minutes and did not say goodbye. Their lines are in no figure here. See runbook LokiNodeSilent.",
  }),
  number("Pushes failing", {
    unit: "percentunit", decimals: 2, thresholds: perCent, width: 4, link: { title: "Gateway", to: "gateway" },
    queries: { "": ratio(`sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}, status_code=~"5.."}[$__rate_interval]))`,
      `sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}}[$__rate_interval]))`) },
    about: "5xx among pushes. Nothing is lost while agents repeat them; over 5 % LokiGatewayPushErrors fires. The status page of a gateway says who is to blame.",
  }),
  number("Next loss", {
    unit: "s", thresholds: levels(3600, 14400, "high"), width: 4, spark: false, link: { title: "Shipper", to: "shipper" },
    queries: { "": `min(loki_shipper_seconds_until_loss{${C}})` },
    about: "When the first node would delete unread lines if all goes on as now; no value or infinity is good. Under 4 hours: speed up delivery or let the kubelet keep more.",
  }),
  row("Service level"),
  graph("Completeness", {
    unit: "percentunit", max: 1, decimals: 2, thresholds: levels(0.95, 0.999, "high"),
    queries: { "{{tenant}} / {{cluster}}": ratio(`sum by (tenant, cluster) (loki_gateway_completeness_acked_lines{${CT}})`, `sum by (tenant, cluster) (loki_gateway_completeness_expected_lines{${CT}})`) },
    about: "Lines of the last 10 minutes that are in Loki. A short dip is lateness; one that stays is loss. Split it with 'Why lines are missing'.",
  }),
  graph("Burn rate of the 99.9 % objective", {
    unit: "short", decimals: 1, thresholds: levels(6, 14.4), min: 0,
    queries: {
      "{{tenant}} / {{cluster}}, 1 h": `tenant_cluster:loki_gateway_completeness_gone_lines:ratio_1h{${CT}} / 0.001`,
      "{{tenant}} / {{cluster}}, 6 h": `tenant_cluster:loki_gateway_completeness_gone_lines:ratio_6h{${CT}} / 0.001`,
    },
    about: "1 uses the budget of 30 days up in 30 days, 14.4 in two. Pages come at 14.4 over an hour and 6 over six hours: see runbook LogCompletenessBudgetBurnFast.",
  }),
  graph("Why lines are missing", {
    unit: "short", stack: true,
    queries: {
      "late {{cluster}}": `sum by (cluster) (loki_gateway_completeness_undecided_lines{${CT}})`,
      "refused {{cluster}}": `sum by (cluster) (loki_gateway_completeness_rejected_lines{${CT}})`,
      "lost {{cluster}}": `sum by (cluster) (loki_gateway_completeness_lost_lines{${CT}})`,
    },
    about: "Lines of the window. Late: Loki or the gateway is slow. Refused: a limit or bad lines, see Tenants and limits. Lost: files were gone before they were read, see Shipper.",
  }),
  table("Least complete tenants and clusters", {
    unit: "percentunit", decimals: 2, ascending: true,
    queries: { "in Loki": `bottomk(20, ${ratio(`sum by (tenant, cluster) (loki_gateway_completeness_acked_lines{${CT}})`, `sum by (tenant, cluster) (loki_gateway_completeness_expected_lines{${CT}})`)})` },
    about: "Ask for the sources of the first line: GET /api/v1/completeness?tenant=…&cluster=… on the gateway's admin port.",
  }),
  row("Flow"),
  graph("Lines per second along the way", {
    unit: "cps",
    queries: {
      "read on nodes": `sum(rate(loki_shipper_read_lines_total{${C}}[$__rate_interval]))`,
      "received by gateways": `sum(rate(loki_gateway_received_lines_total{${C}}[$__rate_interval]))`,
      "acknowledged by Loki": `sum(rate(loki_gateway_acked_lines_total{${C}}[$__rate_interval]))`,
    },
    about: "The three belong on one line. Received above read: repetitions, or other agents. Acknowledged below received: refusals or failures, see Gateway.",
  }),
  graph("Lag of the worst nodes", {
    unit: "s", thresholds: levels(120, 300), queries: { "{{cluster}} / {{node}}": `topk(10, max by (cluster, node) (loki_gateway_shipper_seconds_behind{${C}}))` },
    about: "Age of the oldest line that is not in Loki, by the shippers' reports. All nodes: the gateway or Loki is slow. One node: look at its shipper.",
  }),
]);

const shipper = dashboard({
  name: "shipper", title: "Shipper", about: "loki-shipper on its nodes: loss, lag, delivery, resources.", clusters: "loki_shipper_build_info",
}, [
  row("Loss"),
  number("Lost lines, 24 h", {
    unit: "short", thresholds: levels(1, 1), width: 4, queries: { "": `sum(increase(loki_shipper_lost_lines_total{${C}}[24h])) or vector(0)` },
    about: "Gone before they could be read. Any: GET /api/v1/losses on the shipper's admin port names file, bytes and times; runbook LokiShipperLinesLost.",
  }),
  number("Refused lines, 24 h", {
    unit: "short", thresholds: levels(1, 1000), width: 4, queries: { "": `sum(increase(loki_shipper_rejected_lines_total{${C}}[24h])) or vector(0)` },
    about: "Refused for good by Loki. dead-letter.jsonl in the state directory of the node has samples with Loki's answer; runbook LokiShipperLinesRejected.",
  }),
  number("Next loss", {
    unit: "s", thresholds: levels(3600, 14400, "high"), width: 4, spark: false, queries: { "": `min(loki_shipper_seconds_until_loss{${C}})` },
    about: "When the first node would delete unread lines; infinity is good. Under 4 hours: GET /api/v1/files?behind=true names the files and what holds them back.",
  }),
  number("Nodes held", {
    unit: "short", thresholds: levels(1, 2), width: 4, queries: { "": `sum(loki_shipper_endpoint_held{${C}})` },
    about: "Shippers that the gateway turns away (credential, certificate, path). Only a person can change that: runbook LokiShipperEndpointHeld.",
  }),
  number("Books out of balance", {
    unit: "short", thresholds: levels(1, 1), width: 4, queries: { "": `sum(abs(loki_shipper_ledger_imbalance_lines{${C}}))` },
    about: "read - acked - rejected - in flight. Anything but 0 is a bug: keep log and pages of the pod, runbook LokiShipperLedgerImbalance.",
  }),
  number("Shippers", {
    unit: "short", thresholds: levels(1, 1, "high"), width: 4, queries: { "{{version}}": `count by (version) (loki_shipper_build_info{${C}})` },
    about: "Running shippers by version. More than one version for long means a stuck rollout; fewer than nodes, see runbook LokiShipperMissingOnNode.",
  }),
  graph("Lost lines by reason", {
    unit: "short", stack: true, queries: { "{{node}} {{reason}}": `sum by (node, reason) (increase(loki_shipper_lost_lines_total{${C}}[$__rate_interval])) > 0` },
    about: "deleted_…: the node rotates faster than we deliver. truncated_…: files are emptied in place, use rename. unreadable_…: a damaged .gz.",
  }),
  graph("Refused lines by reason", {
    unit: "short", stack: true, queries: { "{{reason}}": `sum by (reason) (increase(loki_shipper_rejected_lines_total{${C}}[$__rate_interval])) > 0` },
    about: "Loki's own reasons. too_far_behind and greater_than_max_sample_age: a long outage or wrong clocks; line_too_long: raise max_line_size or cut in the application.",
  }),
  row("Lag"),
  graph("Age of the oldest unacknowledged line", {
    unit: "s", thresholds: levels(120, 300), queries: { "{{node}}": `topk(10, max by (node) (loki_shipper_lag_seconds{${C}}))` },
    about: "Over 5 minutes LokiShipperLagHigh fires. All nodes: look at the gateway. One node: retries and buffer waits below.",
  }),
  graph("Bytes still to be read", {
    unit: "bytes", queries: { "{{node}}": `topk(10, max by (node) (loki_shipper_lag_bytes{${C}}))` },
    about: "Grows when a node writes more than its shipper delivers. If it never falls, raise limits.read_rate or shards, or find the pod that floods.",
  }),
  graph("Seconds until loss", {
    unit: "s", thresholds: levels(3600, 14400, "high"), queries: { "{{node}}": `bottomk(10, min by (node) (loki_shipper_seconds_until_loss{${C}}) < 86400)` },
    about: "Nodes that would lose lines within a day if all goes on. Empty is good. GET /api/v1/files?behind=true of the node's shipper has the files.",
  }),
  graph("In flight, buffers and parked", {
    unit: "bytes", queries: { "buffers {{node}}": `topk(5, max by (node) (loki_shipper_buffer_bytes{${C}}))`, "parked {{node}}": `topk(5, max by (node) (loki_shipper_parked_bytes{${C}}))` },
    about: "Memory for batches and for streams over their limit. Full buffers mean that the endpoint is slow; parked ones that a tenant is over its stream limit.",
  }),
  row("Delivery"),
  graph("Lines per second", {
    unit: "cps", queries: { "read": `sum(rate(loki_shipper_read_lines_total{${C}}[$__rate_interval]))`, "acknowledged": `sum(rate(loki_shipper_acked_lines_total{${C}}[$__rate_interval]))` },
    about: "Both on one line is good. A gap between them is work that piles up in the files: see retries.",
  }),
  graph("Retries by status", {
    unit: "reqps", stack: true, queries: { "{{status}}": rate("loki_shipper_retries_total", C, "status") },
    about: "429: a tenant is over its limit. 5xx: gateway or Loki. connection, timeout, tls: the network or certificates. credentials: a secret that cannot be read.",
  }),
  graph("Bytes per second, read and sent", {
    unit: "Bps", queries: { "read": `sum(rate(loki_shipper_read_bytes_total{${C}}[$__rate_interval]))`, "sent, compressed": `sum(rate(loki_shipper_sent_bytes_total{${C}}[$__rate_interval]))` },
    about: "Sent includes repetitions. Sent near read means that pushes are repeated again and again: see retries.",
  }),
  graph("Waits for buffers", {
    unit: "ops", queries: { "{{node}}": `topk(10, ${rate("loki_shipper_buffer_waits_total", C, "node")})` },
    about: "Reading waited because limits.memory was used up. With no retries at the same time more memory makes the node faster; with retries it does not.",
  }),
  row("Health of the nodes"),
  graph("Since positions were saved", {
    unit: "s", thresholds: levels(120, 300), queries: { "{{node}}": `topk(10, time() - max by (node) (loki_shipper_checkpoint_timestamp_seconds{${C}}))` },
    about: "A minute at most is normal. More: the disk under state_directory is full or failing; a crash would send as much again. Runbook LokiShipperCheckpointNotSaved.",
  }),
  graph("Files", {
    unit: "short", queries: { "followed": `sum(loki_shipper_files_active{${C}})`, "skipped": `sum(loki_shipper_files_skipped{${C}})` },
    about: "Skipped files match a source and are not read: GET /api/v1/files says which and why. A rising number of followed files is pods that come and go.",
  }),
  graph("Memory", {
    unit: "bytes", queries: { "{{node}}": `topk(10, max by (node) (process_resident_memory_bytes{${C}}) and on (node) max by (node) (loki_shipper_build_info{${C}}))` },
    about: "Should stay under limits.memory plus some 30 MiB. Near the container's limit, raise the limit rather than limits.memory.",
  }),
  graph("CPU", {
    unit: "short", decimals: 2, queries: { "{{node}}": `topk(10, ${rate("process_cpu_seconds_total", C, "node")} and on (node) max by (node) (loki_shipper_build_info{${C}}))` },
    about: "Cores. Expensive redact and multiline patterns show here; a node at its CPU limit falls behind, so do not set one.",
  }),
]);

const gateway = dashboard({
  name: "gateway", title: "Gateway", about: "loki-gateway: requests, Loki behind it, memory, sign-in.", clusters: "loki_gateway_build_info", tenants: "loki_gateway_limit",
}, [
  row("Now"),
  number("Pushes per second", {
    unit: "reqps", thresholds: levels(0.01, 0.1, "high"), queries: { "": `sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}}[$__rate_interval]))` },
    about: "All push routes. None at all: are shippers held, or is the Service wrong? Start with runbook LokiGatewayDown.",
  }),
  number("Pushes failing", {
    unit: "percentunit", decimals: 2, thresholds: perCent,
    queries: { "": ratio(`sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}, status_code=~"5.."}[$__rate_interval]))`, `sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}}[$__rate_interval]))`) },
    about: "5xx. Agents send these again. Over 5 %: 'Loki's answers' below says whether Loki or the gateway fails.",
  }),
  number("Pushes throttled", {
    unit: "percentunit", decimals: 2, thresholds: levels(0.01, 0.1),
    queries: { "": ratio(`sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}, status_code="429"}[$__rate_interval]))`, `sum(rate(loki_gateway_request_duration_seconds_count{${C}, ${pushes}}[$__rate_interval]))`) },
    about: "429. A tenant is over its limit: the dashboard Tenants and limits names it.",
  }),
  number("99 % of pushes within", {
    unit: "s", thresholds: levels(1, 2.5), queries: { "": quantile(0.99, "loki_gateway_request_duration_seconds", `${C}, ${pushes}`) },
    about: "From the first byte of the body to the end of the answer. If Loki's part below is as long, Loki is slow; if not, the gateway lacks CPU.",
  }),
  number("Distributors left out", {
    unit: "short", thresholds: levels(1, 2), queries: { "": `max(loki_gateway_upstream_addresses_ejected{${C}})` },
    about: "Addresses of Loki that get no pushes because they failed. The gateway's log names them; runbook LokiGatewayUpstreamEjected.",
  }),
  number("Gateways", {
    unit: "short", thresholds: levels(1, 2, "high"), queries: { "{{version}}": `count by (version) (loki_gateway_build_info{${C}})` },
    about: "Running gateways by version. One alone is no spare; two versions for long are a stuck rollout.",
  }),
  row("Requests"),
  graph("Requests by route", {
    unit: "reqps", stack: true, queries: { "{{route}}": rate("loki_gateway_request_duration_seconds_count", C, "route") },
    about: "push and otlp_logs are agents, query and tail are people, report is shippers' books. other: paths that do not exist here; somebody probes.",
  }),
  graph("Pushes by status", {
    unit: "reqps", stack: true, queries: { "{{status_code}}": rate("loki_gateway_request_duration_seconds_count", `${C}, ${pushes}`, "status_code") },
    about: "204 good, 429 limits, 401 and 403 sign-in, 413 too large, 499 the client gave up, 503 Loki away or memory full.",
  }),
  graph("Latency of pushes", {
    unit: "s", thresholds: levels(1, 2.5),
    queries: { "50 %": quantile(0.5, "loki_gateway_request_duration_seconds", `${C}, ${pushes}`), "99 %": quantile(0.99, "loki_gateway_request_duration_seconds", `${C}, ${pushes}`) },
    about: "Compare with Loki's part beside it. Both high: ingesters. Only this one: CPU of the gateways.",
  }),
  graph("Latency of queries", {
    unit: "s", queries: { "50 %": quantile(0.5, "loki_gateway_request_duration_seconds", `${C}, route="query"`), "99 %": quantile(0.99, "loki_gateway_request_duration_seconds", `${C}, route="query"`) },
    about: "Bounded by the largest bucket of 10 s. Slow for all: queriers and S3; slow for some: their queries are large, see Loki operations and S3.",
  }),
  row("Loki behind it"),
  graph("Loki's answers to pushes", {
    unit: "reqps", stack: true, queries: { "{{status_code}}": rate("loki_gateway_upstream_request_duration_seconds_count", C, "status_code") },
    about: "unreachable, timeout and broken are the network or dead pods; breaker_open and too_many_in_flight were not sent at all; 500 and 503 are Loki's own.",
  }),
  graph("What pushes wait for Loki", {
    unit: "s", queries: { "50 %": quantile(0.5, "loki_gateway_upstream_request_duration_seconds", C), "99 %": quantile(0.99, "loki_gateway_upstream_request_duration_seconds", C) },
    about: "Rises before anything fails: look at the ingesters' flushes and WAL disks on Loki operations and S3.",
  }),
  graph("Distributors: known and left out", {
    unit: "short", queries: { "known {{pod}}": `max by (pod) (loki_gateway_upstream_addresses{${C}})`, "left out {{pod}}": `max by (pod) (loki_gateway_upstream_addresses_ejected{${C}})` },
    about: "Known should be the number of distributors, if push_url is a headless Service. All left out: LokiGatewayUpstreamDown.",
  }),
  graph("Not acknowledged, lines by status", {
    unit: "cps", stack: true, queries: { "{{tenant}} {{status_code}}": rate("loki_gateway_unacked_lines_total", CT, "tenant, status_code") },
    about: "Forwarded, and Loki did not take them. 400: refused for good, dead letters on the nodes have samples. 5xx and words: they come again.",
  }),
  row("Resources"),
  graph("Memory of bodies", {
    unit: "percentunit", max: 1, thresholds: levels(0.8, 1), queries: { "{{pod}}": `loki_gateway_bytes_in_flight{${C}} / loki_gateway_bytes_in_flight_limit{${C}}` },
    about: "Of server.max_inflight_bytes. At 100 % pushes are answered 503. Usually Loki is slow and pushes pile up; otherwise add replicas.",
  }),
  graph("Pushes at Loki", {
    unit: "percentunit", max: 1, thresholds: levels(0.8, 1), queries: { "{{pod}}": `loki_gateway_upstream_in_flight{${C}} / loki_gateway_upstream_in_flight_limit{${C}}` },
    about: "Of upstream.max_in_flight. Near 100 % Loki does not keep up: look there first, raising the limit only moves the queue.",
  }),
  graph("Resident memory", {
    unit: "bytes", queries: { "{{pod}}": `process_resident_memory_bytes{${C}} and on (pod) loki_gateway_build_info{${C}}` },
    about: "Bodies plus some 60 MiB. A slow climb over days is worth a report with the pod's /metrics.",
  }),
  graph("CPU", {
    unit: "short", decimals: 2, queries: { "{{pod}}": `${rate("process_cpu_seconds_total", C, "pod")} and on (pod) max by (pod) (loki_gateway_build_info{${C}})` },
    about: "Cores. If it is at the limit, latency of pushes rises without Loki's: add replicas or raise the limit.",
  }),
  row("Sign-in and shared limits"),
  graph("Not let in, by reason", {
    unit: "reqps", stack: true, width: 8, queries: { "{{reason}}": rate("loki_gateway_auth_failures_total", C, "reason") },
    about: "wrong_token after a rotation: an agent still has the old one. too_many_attempts: somebody guesses. The gateway's log has address and credential id.",
  }),
  graph("Latency of Redis, 99 %", {
    unit: "s", width: 8, thresholds: levels(0.05, 0.25), queries: { "{{operation}}": quantile(0.99, "loki_gateway_limits_store_request_duration_seconds", C, ["operation"]) },
    about: "Only pushes near a limit wait for it. At limits_store.timeout (250 ms) a gateway counts by itself: move Redis nearer, or give it CPU.",
  }),
  graph("Gateways that count by themselves", {
    unit: "short", width: 8, queries: { "{{pod}}": `max by (pod) (loki_gateway_limits_store_degraded{${C}})` },
    about: "1 while Redis cannot be used. Safe: limits are divided by limits_store.replicas, which must be the real number. Runbook LokiGatewayLimitsStoreDegraded.",
  }),
]);

const tenants = dashboard({
  name: "tenants", title: "Tenants and limits", about: "Who sends how much, how near to which limit, and what is refused.", clusters: "loki_gateway_limit", tenants: "loki_gateway_limit",
}, [
  row("Limits"),
  graph("Share of the ingestion rate", {
    unit: "percentunit", thresholds: levels(0.8, 1),
    queries: { "{{tenant}}": `${rate("loki_gateway_received_bytes_total", CT, "cluster, tenant")} / on (cluster, tenant) (max by (cluster, tenant) (loki_gateway_limit{${CT}, limit="ingestion_rate_mb"}) * 1048576 > 0)` },
    about: "Offered bytes, refused ones included, of ingestion_rate_mb. Over 80 % LokiGatewayTenantNearLimit fires: raise it in deploy/tenants.yaml or find the flood in Log volume.",
  }),
  graph("Share of the stream limit", {
    unit: "percentunit", thresholds: levels(0.8, 1),
    queries: { "{{tenant}}": `sum by (cluster, tenant) (loki_gateway_active_streams{${CT}}) / on (cluster, tenant) (max by (cluster, tenant) (loki_gateway_limit{${CT}, limit="max_global_streams_per_user"}) > 0)` },
    about: "Streams with an entry in the last 30 minutes. Near 100 %: GET /debug/streams?tenant=… on the gateway's admin port names the label that grows; drop it in label_rules.",
  }),
  graph("Refused lines by tenant and reason", {
    unit: "cps", stack: true, queries: { "{{tenant}} {{reason}}": rate("loki_gateway_discarded_lines_total", CT, "tenant, reason") },
    about: "By the gateway's limits. The shipper sends these again and slows down; other agents may drop them. Runbook LokiGatewayTenantThrottled.",
  }),
  graph("Discarded by Loki, by tenant and reason", {
    unit: "cps", stack: true, queries: { "{{tenant}} {{reason}}": rate("loki_discarded_samples_total", CT, "tenant, reason") },
    about: "What passed the gateway and Loki refused. line_too_long, too_far_behind and the like are for good: fix them at the source. Runbook LokiDiscardingSamples.",
  }),
  row("Traffic"),
  graph("Lines per second", {
    unit: "cps", stack: true, queries: { "{{tenant}}": rate("loki_gateway_received_lines_total", CT, "tenant") },
    about: "Tenants that the overrides file does not name are other. A tenant that falls to nothing is a cluster that stopped sending: see Overview.",
  }),
  graph("Bytes per second", {
    unit: "Bps", stack: true, queries: { "{{tenant}}": rate("loki_gateway_received_bytes_total", CT, "tenant") },
    about: "Bytes of lines as the rate limit counts them. For what grows within a tenant go to Log volume.",
  }),
  graph("Age of lines on arrival", {
    unit: "s", thresholds: levels(60, 300), queries: { "{{tenant}} 99 %": quantile(0.99, "loki_gateway_push_lag_seconds", CT, ["tenant"]) },
    about: "Newest entry of a push. High for one tenant: its nodes are behind; for all: a backlog after an outage, or wrong clocks.",
  }),
  graph("Streams in Loki's ingesters", {
    unit: "short", queries: { "{{tenant}}": `sum by (tenant) (loki_ingester_memory_streams{${CT}})` },
    about: "Counted once per replica, so three times with replication factor 3. Compare with the gateway's count before a limit is raised: memory of ingesters follows this.",
  }),
]);

const lokiS3 = dashboard({
  name: "loki-s3", title: "Loki operations and S3", about: "Loki's write and read path, its compactor, and what is in S3.", clusters: "loki_request_duration_seconds_count", tenants: "loki_distributor_bytes_received_total",
}, [
  row("Now"),
  number("S3 requests failing", {
    unit: "percentunit", decimals: 2, thresholds: perCent, width: 6,
    queries: { "": ratio(`sum(rate(loki_s3_request_duration_seconds_count{${C}, operation!~"S3.ObjectExists|S3.GetObject", status_code=~"5.."}[$__rate_interval]))`, `sum(rate(loki_s3_request_duration_seconds_count{${C}, operation!~"S3.ObjectExists|S3.GetObject"}[$__rate_interval]))`) },
    about: "Without reads, where given-up queries count as failures. Over 5 % S3StorageFailed fires: role, bucket policy, KMS key or AWS itself; the ingesters' log has the code.",
  }),
  number("Since the last compaction", {
    unit: "s", thresholds: levels(3600, 10800), width: 6, spark: false,
    queries: { "": `time() - max(loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{${C}})` },
    about: "Every 10 minutes is normal. More than 3 hours: no retention either, S3 grows. Runbook LokiCompactorNotRunning.",
  }),
  number("Since retention was applied", {
    unit: "s", thresholds: levels(14400, 86400), width: 6, spark: false,
    queries: { "": `time() - max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds{${C}})` },
    about: "More than a day: logs live longer than promised and cost. Runbook LokiRetentionNotApplied.",
  }),
  number("Unhealthy ingesters", {
    unit: "short", thresholds: levels(1, 2), width: 6, queries: { "": `max(loki_ring_members{${C}, name="ingester", state="Unhealthy"})` },
    about: "One may be missing with replication factor 3; two stop pushes. /ring of a distributor names them. Runbook LokiIngesterUnhealthy.",
  }),
  row("Write path"),
  graph("S3 requests by operation and status", {
    unit: "reqps", stack: true, queries: { "{{operation}} {{status_code}}": rate("loki_s3_request_duration_seconds_count", C, "operation, status_code") },
    about: "PutObject 500: chunks stay in memory and WAL, do not restart ingesters. GetObject 500: queries given up, or data missed when it is most of them. ObjectExists 500: not there.",
  }),
  graph("S3 latency, 99 %", {
    unit: "s", thresholds: levels(1, 2), queries: { "{{operation}}": quantile(0.99, "loki_s3_request_duration_seconds", C, ["operation"]) },
    about: "Bounded by the largest bucket of 2 s. High for GetObject: throttling by prefix, or a missing S3 gateway endpoint.",
  }),
  graph("Chunks flushed and failed", {
    unit: "cps", queries: { "flushed {{reason}}": rate("loki_ingester_chunks_flushed_total", C, "reason"), "failed": `sum(rate(loki_ingester_chunks_flush_failures_total{${C}}[$__rate_interval]))` },
    about: "full is efficient, idle and max_age mean many small streams. Any failure: runbook LokiFlushFailing.",
  }),
  graph("Chunks and streams in memory", {
    unit: "short", queries: { "chunks": `sum(loki_ingester_memory_chunks{${C}})`, "streams": `sum(loki_ingester_memory_streams{${CT}})` },
    about: "Memory of ingesters follows both. A jump of streams is a label that exploded: Tenants and limits tells whose.",
  }),
  graph("Errors of Loki by component", {
    unit: "percentunit", thresholds: levels(0.01, 0.1),
    queries: { "{{job}} {{route}}": `sum by (job, route) (rate(loki_request_duration_seconds_count{${C}, status_code=~"5.."}[$__rate_interval])) / (sum by (job, route) (rate(loki_request_duration_seconds_count{${C}}[$__rate_interval])) > 0) > 0` },
    about: "Only routes with errors. The component with the lowest place in the chain (ingester before distributor) is the cause, the others pass it on.",
  }),
  graph("Latency of Loki's routes, 99 %", {
    unit: "s", queries: { "{{route}}": `topk(10, ${quantile(0.99, "loki_request_duration_seconds", C, ["route"])})` },
    about: "Push routes over a second: ingesters or their disks. Query routes: large queries, cold caches or S3.",
  }),
  row("Retention and S3 (lokiops)"),
  graph("Age of the newest object at the last look", {
    unit: "s", thresholds: levels(7200, 10800),
    queries: { "{{tenant}}": "max by (bucket) (loki_storage_last_look_timestamp_seconds) - on (bucket) group_right () max by (tenant, bucket) (loki_storage_newest_object_timestamp_seconds{tenant=~\"$tenant|index\"})" },
    about: "Loki flushes a chunk after 2 hours at most, the index every quarter of an hour. Over 3 hours while the tenant sends: runbook LogStorageStale.",
  }),
  graph("Marker files of retention", {
    unit: "short", queries: { "waiting": `sum(loki_boltdb_shipper_retention_sweeper_marker_files_current{${C}})` },
    about: "Chunks that are marked and not deleted yet. If it only grows, deletes fail: the role needs s3:DeleteObject.",
  }),
  graph("Read back after a push, 99 %", {
    unit: "s", thresholds: levels(5, 10), queries: { "{{tenant}}": `histogram_quantile(0.99, sum by (tenant, le) (rate(loki_storage_readback_seconds_bucket{tenant=~"$tenant"}[$__rate_interval])))` },
    about: "How long until a test line can be queried, 60 s at most. Over 10 s LogReadbackSlow fires: compare push and query latency on Gateway.",
  }),
  graph("Test lines that did not come back", {
    unit: "short", stack: true, queries: { "{{tenant}} {{reason}}": `sum by (tenant, reason) (increase(loki_storage_readback_failures_total{tenant=~"$tenant"}[$__rate_interval]))` },
    about: "Pushed, acknowledged, not found. Any: runbook LogReadbackFailing; the reason says which step failed.",
  }),
  graph("Audit: part of acknowledged lines found", {
    unit: "percentunit", max: 1, decimals: 3, thresholds: levels(0.99, 0.999, "high"), queries: { "{{tenant}}": `min by (tenant) (loki_audit_completeness_ratio{tenant=~"$tenant"})` },
    about: "The shippers' ledger against Loki itself. Under 99.9 %: the audit's report names minutes and sources. Runbook LogAuditIncomplete.",
  }),
  table("Audit: expected and missing lines", {
    unit: "short", queries: { "missing": `max by (tenant) (loki_audit_missing_lines{tenant=~"$tenant"})`, "expected": `max by (tenant) (loki_audit_expected_lines{tenant=~"$tenant"})` },
    about: "Of the last audit. Missing lines with the shippers' books in order were lost behind the gateway: look at Loki's ingesters of that hour.",
  }),
]);

const volume = dashboard({
  name: "log-volume", title: "Log volume", about: "Who makes how many logs, and how they grow. For capacity and for talks with teams.", clusters: "loki_gateway_limit", tenants: "loki_gateway_limit", from: "now-7d", refresh: "5m",
}, [
  row("Per tenant"),
  number("Bytes, last 24 h", {
    unit: "bytes", thresholds: levels(1e12, 3e12), width: 8, spark: false, queries: { "{{tenant}}": `sum by (tenant) (increase(loki_gateway_received_bytes_total{${CT}}[24h]))` },
    about: "Bytes of lines. The small, medium and large profiles of deploy/helm/loki end at 100 GB, 1 TB and 3 TB a day over all tenants.",
  }),
  number("Lines, last 24 h", {
    unit: "short", thresholds: levels(1e10, 1e11), width: 8, spark: false, queries: { "{{tenant}}": `sum by (tenant) (increase(loki_gateway_acked_lines_total{${CT}}[24h]))` },
    about: "Acknowledged lines. Compare with last week below before a limit is raised.",
  }),
  number("Growth against last week", {
    unit: "percentunit", decimals: 0, thresholds: levels(0.2, 0.5), width: 8, spark: false,
    queries: { "{{tenant}}": `sum by (tenant) (increase(loki_gateway_received_bytes_total{${CT}}[24h])) / (sum by (tenant) (increase(loki_gateway_received_bytes_total{${CT}}[24h] offset 7d)) > 0) - 1` },
    about: "The last 24 hours against the same of a week ago. Over 50 %: find the namespace with the Loki query in the runbook's entry LokiGatewayTenantNearLimit.",
  }),
  graph("Bytes per second by tenant", {
    unit: "Bps", stack: true, queries: { "{{tenant}}": rate("loki_gateway_received_bytes_total", CT, "tenant") },
    about: "What agents offer, refused bytes included. A step up without a release is usually a debug level that was left on.",
  }),
  graph("Bytes per line by tenant", {
    unit: "bytes", queries: { "{{tenant}}": ratio(rate("loki_gateway_received_bytes_total", CT, "tenant"), rate("loki_gateway_received_lines_total", CT, "tenant")) },
    about: "A jump means other content: stack traces, dumps of requests. Over some KiB a line costs more than it tells; talk to the team.",
  }),
  row("Per cluster and node"),
  graph("Bytes read per second by cluster", {
    unit: "Bps", stack: true, queries: { "{{cluster}}": rate("loki_shipper_read_bytes_total", C, "cluster") },
    about: "On the nodes, before labels and limits. A cluster that falls to nothing has stopped shipping: see Shipper.",
  }),
  graph("Nodes that write most", {
    unit: "Bps", queries: { "{{cluster}} / {{node}}": `topk(10, ${rate("loki_shipper_read_bytes_total", C, "cluster, node")})` },
    about: "One node far above the others has the pod that floods: GET /api/v1/files of its shipper lists its files with their sizes.",
  }),
  row("Stored (lokiops)"),
  graph("Bytes in S3 by tenant", {
    unit: "bytes", stack: true, queries: { "{{tenant}}": "sum by (tenant) (loki_storage_bytes{tenant=~\"$tenant|index\"})" },
    about: "Should level off after the tenant's retention. If it only climbs, retention does not work: see Loki operations and S3.",
  }),
  graph("Objects in S3 by tenant", {
    unit: "short", stack: true, queries: { "{{tenant}} {{storage_class}}": "sum by (tenant, storage_class) (loki_storage_objects{tenant=~\"$tenant|index\"})" },
    about: "Many objects with few bytes are many small streams: requests cost more than storage then. Look at bytes per object before tiering.",
  }),
]);

const cost = dashboard({
  name: "cost", title: "Cost", about: "What logging costs, by cluster and component, against thresholds. Figures of lokiops; the last days are provisional.", clusters: "loki_cost_usd", tenants: "loki_storage_bytes", from: "now-30d", refresh: "15m",
}, [
  row("Now"),
  number("Month", {
    unit: "currencyUSD", decimals: 0, thresholds: levels(1000, 5000), width: 6, spark: false, queries: { "{{cluster}}": `sum by (cluster) (loki_cost_usd{${C}, period="monthly"})` },
    about: "By cluster, all components. Colours are only a guide; thresholds that alert are those of lokiops, in the panel beside.",
  }),
  number("Highest share of a threshold", {
    unit: "percentunit", decimals: 0, thresholds: levels(0.8, 1), width: 6, spark: false,
    queries: { "{{component}} {{cluster}} {{period}}": `topk(1, sum by (component, cluster, period) (loki_cost_usd{${C}}) / on (component, cluster, period) (max by (component, cluster, period) (loki_cost_threshold_usd{${C}}) > 0))` },
    about: "Over 100 % LogCostOverThreshold fires. Find the growth in 'Cost by component' and the tenant in 'Stored bytes'.",
  }),
  number("Not allocated", {
    unit: "currencyUSD", decimals: 0, thresholds: levels(50, 200), width: 6, spark: false, queries: { "{{period}}": "max by (period) (loki_cost_unallocated_usd)" },
    about: "Cost that no rule gives to a cluster. Usually a cost allocation tag that is not activated in Billing. Runbook LogCostUnallocated.",
  }),
  number("Age of the data", {
    unit: "s", thresholds: levels(129600, 172800), width: 6, spark: false, queries: { "{{source}}": "max by (source) (loki_cost_data_age_seconds)" },
    about: "Exports come once a day. Over 48 hours LogCostDataStale fires and no other figure here can be trusted.",
  }),
  row("Where it goes"),
  graph("Cost by component", {
    unit: "currencyUSD", stack: true, queries: { "{{component}} {{cluster}}": `sum by (component, cluster) (loki_cost_usd{${C}, period="daily"})` },
    about: "Per day. loki grows with bytes and retention, shipper with nodes, gateway with pushes. A step: compare with Log volume at the same day.",
  }),
  graph("Cost and threshold", {
    unit: "currencyUSD", queries: { "{{component}} {{cluster}} {{period}}": `sum by (component, cluster, period) (loki_cost_usd{${C}})`, "threshold {{component}} {{cluster}} {{period}}": `max by (component, cluster, period) (loki_cost_threshold_usd{${C}})` },
    about: "A line that will cross its threshold this month: lower a retention, a rate, or raise the threshold on purpose.",
  }),
  graph("Quality of the figures", {
    unit: "currencyUSD", stack: true, queries: { "{{quality}}": `sum by (quality) (loki_cost_usd{${C}, period="daily"})` },
    about: "billed comes from the invoice, estimated and allocated are ours. Mostly estimated for more than two days: an export is missing.",
  }),
  graph("Stored bytes by tenant", {
    unit: "bytes", stack: true, queries: { "{{tenant}} {{storage_class}}": "sum by (tenant, storage_class) (loki_storage_bytes{tenant=~\"$tenant\"})" },
    about: "What storage cost is shared by. A tenant that grows without more traffic has a retention that does not work.",
  }),
]);

export const all = { overview, shipper, gateway, tenants, "loki-s3": lokiS3, "log-volume": volume, cost };
