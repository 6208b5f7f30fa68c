// The query frontend behind the gateway: what it shows of a request is what Loki would have believed.
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Tests.Query;

/// <summary>A query frontend that shows what it got, and echoes on a websocket.</summary>
internal sealed class Frontend(WebApplication app) : IAsyncDisposable
{
    private int _requests;

    public int Requests => Volatile.Read(ref _requests);

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<Frontend> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var frontend = new Frontend(app);
        app.UseWebSockets();
        app.Run(frontend.AnswerAsync);
        await app.StartAsync();
        return frontend;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        Interlocked.Increment(ref _requests);
        if (http.WebSockets.IsWebSocketRequest)
        {
            using WebSocket socket = await http.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, http.RequestAborted);
            string text = $"{http.Request.Headers["X-Scope-OrgID"]}: {Encoding.UTF8.GetString(buffer, 0, received.Count)}";
            await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, http.RequestAborted);
            await socket.ReceiveAsync(buffer, http.RequestAborted);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", http.RequestAborted);
            return;
        }

        http.Response.ContentType = "application/json";
        string headers = string.Join('\n', http.Request.Headers.SelectMany(static header => header.Value.Select(value => $"{header.Key}: {value}")));
        using var body = new StreamReader(http.Request.Body);
        await http.Response.WriteAsync($"{http.Request.Method} {http.Request.Path}{http.Request.QueryString}\n{headers}\n\n{await body.ReadToEndAsync()}");
    }
}
