using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace LokiGateway.Hosting.Configuration;

/// <summary>The one grammar for addresses to listen on: <c>0.0.0.0:9080</c>, <c>:9080</c>, <c>localhost:9080</c>, <c>[::1]:9080</c>; port
/// 0 takes a free one.</summary>
public static class ListenAddress
{
    /// <summary>False with a text that says what to write instead. <c>:port</c> and <c>*:port</c> mean every IPv4 and IPv6
    /// address.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? endpoint, out string error)
    {
        endpoint = null;
        error = $"\"{text}\" is not an address to listen on: write host:port, for example 0.0.0.0:9080 or 127.0.0.1:0";
        int colon = text.LastIndexOf(':');
        if (colon < 0) return false;
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > 65535)
        {
            error = $"\"{text}\" needs a port from 0 to 65535 after the colon";
            return false;
        }

        string host = text[..colon];
        if (host is "" or "*")
        {
            endpoint = new IPEndPoint(IPAddress.IPv6Any, port);
            return true;
        }

        if (host == "localhost")
        {
            endpoint = new IPEndPoint(IPAddress.Loopback, port);
            return true;
        }

        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (!IPAddress.TryParse(bracketed ? host[1..^1] : host, out IPAddress? address)
            || (host.Contains(':', StringComparison.Ordinal) && !bracketed))
            return false;
        endpoint = new IPEndPoint(address, port);
        return true;
    }

    /// <summary>For text that was validated before.</summary>
    public static IPEndPoint Parse(string text) =>
        TryParse(text, out IPEndPoint? endpoint, out string error) ? endpoint : throw new FormatException(error);
}
