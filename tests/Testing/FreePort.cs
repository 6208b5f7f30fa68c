// A program that is started as a process is told its ports in its configuration, and a restart must find the same port again: port 0 will
// not do there. Ports below the kernel's range for outgoing connections are tried, so that a test's own client sockets never take one away.
using System.Net;
using System.Net.Sockets;

namespace LokiGateway.Testing;

/// <summary>Hands out loopback ports that were free a moment ago, each at most once a process.</summary>
public static class FreePort
{
    // Linux gives 32768..60999 to outgoing connections by default.
    private const int First = 18_000;
    private const int Last = 32_000;

    private static int _next = Random.Shared.Next(First, Last);

    /// <summary>The next free port.</summary>
    public static int Next()
    {
        for (var tries = 0; tries < Last - First; tries++)
        {
            var port = First + Interlocked.Increment(ref _next) % (Last - First);
            try
            {
                using var probe = new TcpListener(IPAddress.Any, port);
                probe.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Somebody has it: the next one.
            }
        }
        throw new InvalidOperationException($"No free port between {First} and {Last}.");
    }
}
