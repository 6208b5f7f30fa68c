using Microsoft.AspNetCore.Connections;

namespace LokiGateway.Hosting.Admin;

/// <summary>An address that cannot be listened on, in words that name the setting to change.</summary>
public sealed class ListenException : Exception
{
    public ListenException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    public ListenException()
    {
    }

    public ListenException(string message)
        : base(message)
    {
    }

    /// <summary>What a server's start threw, for the address and the key that it came from; null when it has nothing to do with the
    /// address.</summary>
    public static ListenException? From(Exception failure, string address, string setting)
    {
        for (Exception? inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (inner is AddressInUseException) return new ListenException($"address {address} ({setting}) is already in use", failure);
            if (inner is System.Net.Sockets.SocketException socket)
            {
                string reason = socket.SocketErrorCode switch
                {
                    System.Net.Sockets.SocketError.AddressAlreadyInUse => "is already in use",
                    System.Net.Sockets.SocketError.AccessDenied =>
                        "may not be listened on by this user; ports below 1024 need CAP_NET_BIND_SERVICE",
                    System.Net.Sockets.SocketError.AddressNotAvailable => "does not belong to this machine",
                    _ => $"cannot be listened on: {socket.Message}",
                };
                return new ListenException($"address {address} ({setting}) {reason}", failure);
            }
        }

        return null;
    }
}
