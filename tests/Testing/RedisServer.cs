// A real redis-server of the machine, on a port and in a directory of its own. What a gateway does when its Redis hangs, forgets or refuses cannot be learnt from a
// stand-in that somebody wrote to behave.
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LokiGateway.Testing;

/// <summary>A started redis-server that keeps nothing on disk: started again, it is empty. Disposing kills it.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly TempDirectory _directory = new("redis");
    private readonly string[] _options;
    private readonly int _port = FreePort.Next();
    private ChildProcess? _process;

    private RedisServer(string[] options) => _options = options;

    /// <summary>host:port.</summary>
    public string Address => $"127.0.0.1:{_port}";

    /// <summary>The port.</summary>
    public int Port => _port;

    /// <summary>Sent by <see cref="CommandAsync"/> before its command; null: nothing.</summary>
    public string? Password { get; set; }

    /// <summary>Starts a server and waits until it answers.</summary>
    public static async Task<RedisServer> StartAsync(params string[] options)
    {
        var server = new RedisServer(options);
        await server.StartAgainAsync().ConfigureAwait(false);
        return server;
    }

    /// <summary>Starts it on the same port, empty.</summary>
    public async Task StartAgainAsync()
    {
        _process = ChildProcess.Start("redis-server", null,
            ["--port", $"{_port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _directory.Path, "--daemonize", "no", .. _options]);
        await Eventually.TrueAsync(async () => !(await CommandAsync("PING").ConfigureAwait(false)).StartsWith("-LOADING", StringComparison.Ordinal),
            "redis-server answers", _process.Describe).ConfigureAwait(false);
    }

    /// <summary>kill -9.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>SIGSTOP: connections stay, nothing is answered.</summary>
    public void Freeze() => _process!.Freeze();

    /// <summary>SIGCONT.</summary>
    public void Thaw() => _process!.Thaw();

    /// <summary>Runs one command on a connection of its own; an error begins with a minus sign, the items of a list are on lines.</summary>
    public async Task<string> CommandAsync(params string[] words)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", _port).ConfigureAwait(false);
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.Latin1);
        if (Password is not null)
        {
            await SendAsync(stream, ["AUTH", Password]).ConfigureAwait(false);
            await ReadAsync(reader).ConfigureAwait(false);
        }

        await SendAsync(stream, words).ConfigureAwait(false);
        return await ReadAsync(reader).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync().ConfigureAwait(false);
        _directory.Dispose();
    }

    private static async Task SendAsync(NetworkStream stream, string[] words)
    {
        var text = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words) text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text.ToString())).ConfigureAwait(false);
    }

    private static async Task<string> ReadAsync(StreamReader reader)
    {
        var line = await reader.ReadLineAsync().ConfigureAwait(false) ?? throw new IOException("redis-server closed the connection");
        var number = line[0] is '$' or '*' ? int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture) : 0;
        switch (line[0])
        {
            case '-':
                return line;
            case '$' when number >= 0:
                var content = new char[number + 2];
                await reader.ReadBlockAsync(content).ConfigureAwait(false);
                return new string(content, 0, number);
            case '*':
                var items = new List<string>();
                for (var i = 0; i < number; i++) items.Add(await ReadAsync(reader).ConfigureAwait(false));
                return string.Join('\n', items);
            default:
                return line[0] is '$' ? "" : line[1..];
        }
    }
}
