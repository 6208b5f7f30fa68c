// Hands Kestrel's requests to the pipeline without a host in between. A connection keeps its HttpContext from request to request, as ASP.NET's own host does it.
using LokiGateway.Gateway.Grpc;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LokiGateway.Gateway;

internal sealed class GatewayApplication(GatewayPipeline pipeline, GrpcDoor? grpc) : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<HttpContext> connection) return new DefaultHttpContext(contextFeatures);
        if (connection.HostContext is DefaultHttpContext used)
        {
            used.Initialize(contextFeatures);
            return used;
        }

        return connection.HostContext = new DefaultHttpContext(contextFeatures);
    }

    /// <summary>Null: none is written. May change at any time.</summary>
    public AccessLog? AccessLog { get; set; }

    public Task ProcessRequestAsync(HttpContext context)
    {
        if (pipeline.IsDraining) AskToLeave(context);
        return AccessLog is { } log ? log.RunAsync(context, this, static (self, context) => self.AnswerAsync(context)) : AnswerAsync(context);
    }

    // Only the gRPC port speaks HTTP/2.
    private Task AnswerAsync(HttpContext context) =>
        grpc is not null && HttpProtocol.IsHttp2(context.Request.Protocol) ? grpc.HandleAsync(context) : pipeline.HandleAsync(context);

    /// <summary>The answer is the last one of its connection: the next request finds a gateway that stays.</summary>
    private static void AskToLeave(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol)) context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        // A tail is a connection of its own anyway, and needs the header to become a websocket.
        else if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }) context.Response.Headers.Connection = "close";
    }

    public void DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();
}
