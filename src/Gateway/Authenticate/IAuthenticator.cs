// How a request proves what it may do. Authentication asks here and nowhere else, so that another way of proving touches no other stage.
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>Thread-safe. Reads headers and the connection only: nothing was read of the body yet.</summary>
internal interface IAuthenticator
{
    /// <summary>Values of WWW-Authenticate on a 401; empty when a header could prove nothing.</summary>
    string[] Challenges { get; }

    /// <summary>Never throws for what a client sends.</summary>
    ValueTask<Proof> ProveAsync(HttpContext http);
}
