// Strangers who want the gateway to choke rather than to let something through: connections by the ten thousand, headers without end, HTTP/2 that is none or too
// much of it. Honest pushes go on, and memory stays where it was.
using System.Buffers.Binary;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class GatewayFloodTests(ITestOutputHelper output)
{
    private const int MiB = 1024 * 1024;

    private static byte[] Preface { get; } = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    private enum FrameType : byte
    {
        Data = 0,
        Headers = 1,
        ResetStream = 3,
        Settings = 4,
        Ping = 6,
        WindowUpdate = 8,
        Continuation = 9,
    }

    [Fact]
    public async Task TenThousandIdleConnections_CostLittle_AndHoldUpNobody()
    {
        using var temp = new TempDirectory("flood");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address);
        await using var gateway = await setup.StartReadyAsync();
        for (var i = 0; i < 20; i++) Assert.Equal(204, (await PushAsync(setup, i)).Status);
        var before = gateway.ResidentBytes;
        List<RawConnection> idle = [];
        try
        {
            while (idle.Count < 10_000)
            {
                var more = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => RawConnection.OpenAsync(setup.Address)));
                idle.AddRange(more);
            }

            for (var i = 0; i < 20; i++) Assert.Equal(204, (await PushAsync(setup, i)).Status);
            var after = gateway.ResidentBytes;
            output.WriteLine($"{before / MiB} MiB before, {after / MiB} MiB with 10,000 connections: {(after - before) / idle.Count} bytes each");
            Assert.True(after - before < 160L * MiB, $"{before / MiB} MiB before, {after / MiB} MiB after");
        }
        finally
        {
            foreach (var connection in idle) connection.Dispose();
        }

        Assert.Equal(204, (await PushAsync(setup, 99)).Status);
        Assert.Equal(41, loki.StoredCount);
        Assert.False(gateway.HasExited);
    }

    [Fact]
    public async Task HeadersWithoutEnd_AreCutOffBeforeTheyCostMemory()
    {
        using var temp = new TempDirectory("flood");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address);
        await using var gateway = await setup.StartReadyAsync();
        Assert.Equal(204, (await PushAsync(setup, 0)).Status);
        var before = gateway.ResidentBytes;
        var line = $"X-{new string('a', 50)}: {new string('b', 4000)}\r\n";
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            using var connection = await RawConnection.OpenAsync(setup.Address);
            await connection.WriteAsync("POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\n");
            try
            {
                // 4 MB of headers each, were they taken.
                for (var i = 0; i < 1000; i++) await connection.WriteAsync(line);
                Assert.Equal(431, (await connection.ReadAnswerAsync()).Status);
            }
            catch (IOException)
            {
                // Closed while more were sent.
            }
        }));
        Assert.Equal(204, (await PushAsync(setup, 1)).Status);
        Assert.Equal(2, loki.StoredCount);
        Assert.True(gateway.ResidentBytes - before < 64L * MiB, $"{before / MiB} MiB before, {gateway.ResidentBytes / MiB} MiB after");
    }

    [Fact]
    public async Task MalformedHttp2_EndsItsConnection_AndNoOther()
    {
        using var temp = new TempDirectory("flood");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address, grpc: true);
        await using var gateway = await setup.StartReadyAsync();
        await CallAsync(setup, 0);
        var before = gateway.ResidentBytes;
        byte[] open = [.. Preface, .. Frame(FrameType.Settings, 0, 0, [])];
        // HPACK: indexed :method POST (3), :scheme http (6), and a literal :path. Enough to be a request.
        byte[] head = [0x83, 0x86, 0x04, 0x05, .. "/none"u8, 0x01, 0x01, (byte)'a'];
        (string What, byte[] Bytes)[] attacks =
        [
            ("HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray()),
            ("random bytes", RandomBytes(4096)),
            ("half a preface", Preface[..10]),
            ("a frame longer than allowed", [.. open, .. Frame(FrameType.Data, 0, 1, new byte[20_000])]),
            ("data on a stream that is not open", [.. open, .. Frame(FrameType.Data, 0, 5, new byte[10])]),
            ("a header block that is no HPACK", [.. open, .. Frame(FrameType.Headers, 5, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]),
            ("an even stream", [.. open, .. Frame(FrameType.Headers, 5, 2, head)]),
            ("settings of no length", [.. open, .. Frame(FrameType.Settings, 0, 0, new byte[5])]),
            ("a window that overflows", [.. open, .. Frame(FrameType.WindowUpdate, 0, 0, [0x7f, 0xff, 0xff, 0xff])]),
            ("continuations without end", [.. open, .. Frame(FrameType.Headers, 0, 1, head), .. Repeat(2000, Frame(FrameType.Continuation, 0, 1, new byte[4096]))]),
            ("streams opened and reset at once",
                [.. open, .. Many(20_000, i => [.. Frame(FrameType.Headers, 5, 2 * i + 1, head), .. Frame(FrameType.ResetStream, 0, 2 * i + 1, [0, 0, 0, 8])])]),
            ("pings without end", [.. open, .. Repeat(100_000, Frame(FrameType.Ping, 0, 0, new byte[8]))]),
            ("settings without end", [.. open, .. Repeat(100_000, Frame(FrameType.Settings, 0, 0, []))]),
        ];
        foreach (var (what, bytes) in attacks)
        {
            using var connection = await RawConnection.OpenAsync(setup.Grpc!);
            try
            {
                await connection.WriteAsync(bytes).WaitAsync(TimeSpan.FromSeconds(30));
            }
            catch (Exception e) when (e is IOException or TimeoutException)
            {
                // Closed, or no longer read, while more is sent: both end the attack.
            }

            await CallAsync(setup, 1);
            Assert.False(gateway.HasExited, what);
        }

        output.WriteLine($"{before / MiB} MiB before, {gateway.ResidentBytes / MiB} MiB after");
        Assert.Equal(1 + attacks.Length, loki.StoredCount);
        Assert.True(gateway.ResidentBytes - before < 96L * MiB, $"{before / MiB} MiB before, {gateway.ResidentBytes / MiB} MiB after");
    }

    private static Task<RawAnswer> PushAsync(GatewaySetup setup, int number) => RawHttp.PushAsync(setup.Address, "ops",
        PushRequests.Snappy(new LogStream("{app=\"honest\"}", new LogEntry(PushRequests.Now(), $"push {number}"))));

    private static async Task CallAsync(GatewaySetup setup, int number)
    {
        var push = new Method<byte[], byte[]>(MethodType.Unary, "logproto.Pusher", "Push",
            Marshallers.Create(static bytes => bytes, static bytes => bytes), Marshallers.Create(static bytes => bytes, static bytes => bytes));
        using var channel = GrpcChannel.ForAddress(setup.Grpc!);
        var message = PushRequests.Protobuf(new LogStream("{app=\"honest\"}", new LogEntry(PushRequests.Now(), $"call {number}")));
        var options = new CallOptions(new Metadata { { "X-Scope-OrgID", "ops" } }, DateTime.UtcNow.AddSeconds(30));
        Assert.Empty(await channel.CreateCallInvoker().AsyncUnaryCall(push, null, options, message));
    }

    private static byte[] Frame(FrameType type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = (byte)type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static byte[] Repeat(int count, byte[] frame) => Many(count, _ => frame);

    private static byte[] Many(int count, Func<int, byte[]> frame)
    {
        using var bytes = new MemoryStream();
        for (var i = 0; i < count; i++) bytes.Write(frame(i));
        return bytes.ToArray();
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
