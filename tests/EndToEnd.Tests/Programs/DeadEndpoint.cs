// The ways in which an endpoint can be dead on the wire: what a stop must not wait for.
using System.Net;
using System.Net.Sockets;
using System.Text;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>A loopback address behind which nothing ever comes of a push.</summary>
internal sealed class DeadEndpoint : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket? _listener;
    private readonly List<Socket> _held = [];

    private DeadEndpoint(Socket? listener, int port) => (_listener, PushUrl) = (listener, new Uri($"http://127.0.0.1:{port}/loki/api/v1/push"));

    public Uri PushUrl { get; }

    /// <param name="how">refused, black hole, silent or stalled in its answer.</param>
    public static DeadEndpoint Start(string how)
    {
        if (how == "refused") return new DeadEndpoint(null, FreePort.Next());
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(how == "black hole" ? 0 : 100);
        var endpoint = new DeadEndpoint(listener, ((IPEndPoint)listener.LocalEndPoint!).Port);
        // A queue that is full drops what arrives, as a firewall does.
        if (how == "black hole") endpoint.FillQueue();
        else _ = endpoint.AcceptAsync(how == "silent" ? "" : "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000\r\n\r\nhalf of");
        return endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener?.Dispose();
        foreach (var socket in _held) socket.Dispose();
        _stop.Dispose();
    }

    private void FillQueue()
    {
        for (var i = 0; i < 3; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            _held.Add(socket);
            try
            {
                socket.Connect(_listener!.LocalEndPoint!);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // It waits in the queue, or to get into it: that is what it is for.
            }
        }
    }

    private async Task AcceptAsync(string answer)
    {
        try
        {
            while (true)
            {
                var socket = await _listener!.AcceptAsync(_stop.Token);
                _held.Add(socket);
                if (answer.Length > 0) await socket.SendAsync(Encoding.ASCII.GetBytes(answer), _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }
}
