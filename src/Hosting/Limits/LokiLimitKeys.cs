namespace LokiGateway.Hosting.Limits;

/// <summary>
/// Every other key that <c>limits_config</c> of Loki 3.2.1 has (pkg/validation/limits.go, tag v3.2.1). They steer what happens behind the
/// gateway and are accepted
/// without a word, so that one file can serve both; a key in neither list is a spelling mistake.
/// </summary>
internal static class LokiLimitKeys
{
    public static IReadOnlyList<string> WithoutMeaningHere { get; } =
    [
        "allow_deletes", "blocked_queries", "bloom_block_encoding", "bloom_build_builder_response_timeout", "bloom_build_max_builders",
        "bloom_build_task_max_retries", "bloom_creation_enabled", "bloom_false_positive_rate", "bloom_gateway_cache_key_interval",
        "bloom_gateway_enable_filtering", "bloom_gateway_shard_size", "bloom_max_block_size", "bloom_max_bloom_size", "bloom_ngram_length",
        "bloom_ngram_skip", "bloom_split_series_keyspace_by", "cardinality_limit", "deletion_mode", "discover_log_levels",
        "increment_duplicate_timestamp", "index_gateway_shard_size", "ingestion_rate_strategy", "max_cache_freshness_per_query",
        "max_chunks_per_query", "max_concurrent_tail_requests", "max_entries_limit_per_query", "max_metadata_cache_freshness",
        "max_querier_bytes_read", "max_queriers_per_tenant", "max_query_bytes_read", "max_query_capacity", "max_query_length",
        "max_query_lookback", "max_query_parallelism", "max_query_range", "max_query_series", "max_stats_cache_freshness",
        "max_streams_matchers_per_query", "min_sharding_lookback", "minimum_labels_number", "otlp_config", "per_stream_rate_limit",
        "per_stream_rate_limit_burst", "per_tenant_override_config", "per_tenant_override_period", "query_ready_index_num_days",
        "query_timeout", "recent_metadata_query_window", "required_labels", "retention_period", "retention_stream",
        "ruler_alertmanager_config", "ruler_max_rule_groups_per_tenant", "ruler_max_rules_per_rule_group",
        "ruler_remote_evaluation_max_response_size", "ruler_remote_evaluation_timeout", "ruler_remote_write_config",
        "ruler_remote_write_disabled", "ruler_remote_write_headers", "ruler_remote_write_queue_batch_send_deadline",
        "ruler_remote_write_queue_capacity", "ruler_remote_write_queue_max_backoff", "ruler_remote_write_queue_max_samples_per_send",
        "ruler_remote_write_queue_max_shards", "ruler_remote_write_queue_min_backoff", "ruler_remote_write_queue_min_shards",
        "ruler_remote_write_queue_retry_on_ratelimit", "ruler_remote_write_relabel_configs", "ruler_remote_write_sigv4_config",
        "ruler_remote_write_timeout", "ruler_remote_write_url", "ruler_tenant_shard_size", "shard_streams",
        "split_ingester_queries_by_interval", "split_instant_metric_queries_by_interval", "split_metadata_queries_by_interval",
        "split_queries_by_interval", "split_recent_metadata_queries_by_interval", "tsdb_max_bytes_per_shard", "tsdb_max_query_parallelism",
        "tsdb_precompute_chunks", "tsdb_sharding_strategy", "unordered_writes", "use_owned_stream_count", "volume_enabled",
        "volume_max_series",
    ];
}
