namespace LokiGateway.Shipper.Send;

/// <summary>Hears of everything that happens on the way to Loki, for metrics. Called from any thread; must be quick and not throw.</summary>
internal abstract class SendObserver
{
    /// <summary>An attempt went out.</summary>
    public virtual void Sent(int compressedBytes) { }

    /// <summary>An attempt will be repeated; <paramref name="status"/> as in <see cref="PushAnswer.Status"/>.</summary>
    public virtual void Retried(string status) { }

    /// <summary>Lines went out again that Loki may already have: what a lost answer costs.</summary>
    public virtual void Resent(long lines) { }

    /// <summary>A file of secrets was looked at and cannot be used; <paramref name="file"/> is its key, or <c>tls</c>.</summary>
    public virtual void CredentialsUnusable(string file) { }

    /// <summary>When a certificate ends: <c>ca</c>, <c>client</c> or <c>server</c>.</summary>
    public virtual void CertificateSeen(string whose, DateTimeOffset notAfter) { }

    /// <summary>For tests and embedders that want none of it.</summary>
    public static SendObserver None { get; } = new Silent();

    private sealed class Silent : SendObserver;
}
