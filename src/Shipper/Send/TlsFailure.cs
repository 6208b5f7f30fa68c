using System.Security.Authentication;

namespace LokiGateway.Shipper.Send;

/// <summary>
/// Tells a handshake that cannot succeed before somebody changes a certificate, a name or a URL from a connection that broke: the first holds pushes and is said
/// loudly, the second is tried again soon.
/// </summary>
internal static class TlsFailure
{
    /// <summary>What is wrong, or null when it is no matter of TLS.</summary>
    public static string? TextOf(Exception failure, TlsMaterial tls)
    {
        for (Exception? inner = failure; inner is not null; inner = inner.InnerException)
        {
            // Raised by our own judgement of the certificate.
            if (inner is AuthenticationException && inner.Message.Contains("RemoteCertificateValidationCallback", StringComparison.Ordinal))
                return tls.LastFailure ?? inner.Message;
            // An alert is the other side's word on the handshake. With TLS 1.3 the one about our certificate comes with the first answer, after it.
            if (AlertIn(inner) is { } alert) return $"the endpoint ended the TLS handshake: {alert}{HintFor(alert)}";
            if (inner is AuthenticationException && inner.InnerException is null)
                return $"TLS handshake failed: {inner.Message} (does the endpoint speak TLS at this port, and endpoint.tls.min_version?)";
        }
        return null;
    }

    // OpenSSL: "error:0A00045C:SSL routines::tlsv13 alert certificate required".
    private static string? AlertIn(Exception failure)
    {
        int at = failure.Message.IndexOf(" alert ", StringComparison.Ordinal);
        if (at < 0 || !failure.Message.Contains("SSL routines", StringComparison.Ordinal)) return null;
        ReadOnlySpan<char> text = failure.Message.AsSpan(at + " alert ".Length);
        int end = text.IndexOfAny("\r\n:");
        return (end < 0 ? text : text[..end]).Trim().ToString();
    }

    private static string HintFor(string alert) => alert switch
    {
        "certificate required" or "handshake failure" => " (does it ask for a certificate, endpoint.tls.cert_file?)",
        "protocol version" => " (endpoint.tls.min_version)",
        _ when alert.Contains("certificate", StringComparison.Ordinal) || alert == "unknown ca" =>
            " (it does not take the certificate of endpoint.tls.cert_file)",
        _ => "",
    };
}
