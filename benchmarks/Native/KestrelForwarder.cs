// The least that a gateway in this framework can do: Kestrel, copy the body into one buffer, decode, walk, forward the same bytes with
// HttpClient. No tenants, no limits, no metrics. What loki-gateway costs above this is its own; what this costs above nginx is the
// framework's.
using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Benchmarks.Native;

internal static class KestrelForwarder
{
    /// <summary>The gateway's own bound on a decompressed push.</summary>
    private const int PushBytesMax = 64 << 20;

    private static readonly MediaTypeHeaderValue Protobuf = new("application/x-protobuf");

    public static void Run(RoleOptions options)
    {
        var upstream = new Uri(options.Required("--upstream"));
        using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.Listen(IPAddress.Loopback, 0);
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 16 << 20;
            server.Limits.MinRequestBodyDataRate = null;
        });
        WebApplication application = builder.Build();
        application.Run(context => ForwardAsync(context, client, upstream));
        application.StartAsync().GetAwaiter().GetResult();
        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Console.WriteLine($"listening {new Uri(address).Port}");
        while (Console.ReadLine() is not null)
        {
            // Nothing to tell: the caller reads our CPU time from the kernel. The end of standard input ends us.
        }
    }

    private static async Task ForwardAsync(HttpContext context, HttpMessageInvoker client, Uri upstream)
    {
        int length = (int)(context.Request.ContentLength ?? throw new BadHttpRequestException("Content-Length is missing"));
        byte[] body = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            await context.Request.Body.ReadExactlyAsync(body.AsMemory(0, length), context.RequestAborted);
            if (!Inspect(body.AsSpan(0, length)))
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return;
            }
            using var message = new HttpRequestMessage(HttpMethod.Post, upstream) { Content = new ByteArrayContent(body, 0, length) };
            message.Content.Headers.ContentType = Protobuf;
            message.Headers.TryAddWithoutValidation("X-Scope-OrgID", context.Request.Headers["X-Scope-OrgID"].ToString());
            using HttpResponseMessage answer = await client.SendAsync(message, context.RequestAborted);
            context.Response.StatusCode = (int)answer.StatusCode;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private static bool Inspect(ReadOnlySpan<byte> body)
    {
        if (SnappyBlock.TryReadLength(body, PushBytesMax, out int length) != SnappyError.None) return false;
        byte[] plain = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            PushSummary summary = default;
            return SnappyBlock.TryDecode(body, plain.AsSpan(0, length), out int written) == SnappyError.None
                && PushSummary.TryRead(plain.AsSpan(0, written), ref summary) == PushError.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }
}
