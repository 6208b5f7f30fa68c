// Writes the text of log lines at several hundred MB a second: a cursor over one buffer, a small random generator, and the word lists that
// make the lines compress as real ones do.
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace LokiGateway.Benchmarks.Input;

/// <summary>An append-only cursor over a buffer that the caller has made large enough; no method checks twice.</summary>
internal ref struct LogText(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    public int Length { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Text(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_buffer[Length..]);
        Length += text.Length;
    }

    public void Byte(byte value) => _buffer[Length++] = value;

    public void Number(long value)
    {
        Utf8Formatter.TryFormat(value, _buffer[Length..], out int written);
        Length += written;
    }

    /// <summary>Writes the number with leading zeros.</summary>
    public void Digits(uint value, int count)
    {
        for (int i = count - 1; i >= 0; i--, value /= 10) _buffer[Length + i] = (byte)('0' + (value % 10));
        Length += count;
    }

    public void Hex(ulong value, int count)
    {
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        for (int i = 0; i < count; i++, value >>= 4) _buffer[Length + i] = digits[(int)(value & 15)];
        Length += count;
    }
}

/// <summary>xorshift64*: deterministic over machines and versions, which System.Random does not promise.</summary>
internal struct LogRandom(ulong seed)
{
    private ulong _state = seed | 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return _state * 2685821657736338717UL;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Below(int bound) => (int)(((Next() >> 32) * (uint)bound) >> 32);

    public bool Chance(int perThousand) => Below(1000) < perThousand;
}

/// <summary>The vocabulary: short lists, so that the same words come back as they do in a real service's log.</summary>
internal static class Words
{
    public static readonly byte[][] Levels = Utf8("info", "info", "info", "info", "info", "info", "debug", "debug", "warn", "error");

    public static readonly byte[][] Messages = Utf8(
        "request completed", "cache miss", "order accepted", "payment authorised", "query finished", "retrying upstream call",
        "connection pool grew", "session refreshed", "inventory reserved", "message published", "job scheduled", "lease renewed",
        "user signed in", "token rotated", "shard rebalanced", "snapshot written", "consumer lag above target", "slow query",
        "feature flag evaluated", "webhook delivered", "price recalculated", "email queued", "document indexed", "rate limit near");

    public static readonly byte[][] Callers = Utf8(
        "handler.go:142", "server.go:88", "store/postgres.go:311", "cache/lru.go:57", "queue/consumer.go:204", "http/client.go:96",
        "auth/session.go:73", "billing/charge.go:188", "search/index.go:421", "worker/pool.go:64");

    public static readonly byte[][] Paths = Utf8(
        "/api/v1/orders", "/api/v1/orders/{id}", "/api/v1/users/me", "/api/v1/cart/items", "/healthz", "/metrics", "/static/app.4f1c.js",
        "/api/v1/search?q=blue+shoes&page=2", "/login", "/api/v1/payments/confirm", "/images/products/large/", "/api/v2/recommendations");

    public static readonly byte[][] Agents = Utf8(
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1) Safari/605", "kube-probe/1.33",
        "Go-http-client/2.0", "curl/8.9.1", "okhttp/4.12.0");

    public static readonly byte[][] Errors = Utf8(
        "context deadline exceeded", "connection reset by peer", "duplicate key value violates unique constraint", "i/o timeout",
        "upstream returned 503", "no such host");

    public static readonly byte[][] Months = Utf8("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec");

    private static byte[][] Utf8(params string[] words) => Array.ConvertAll(words, System.Text.Encoding.UTF8.GetBytes);
}
