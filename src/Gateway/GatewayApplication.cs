// Hands Kestrel's requests to the pipeline without a host in between. A connection keeps its HttpContext from request to request, as ASP.NET's own host does it.
using LokiGateway.Gateway.Grpc;
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

    // Only the gRPC port speaks HTTP/2.
    public Task ProcessRequestAsync(HttpContext context) =>
        grpc is not null && HttpProtocol.IsHttp2(context.Request.Protocol) ? grpc.HandleAsync(context) : pipeline.HandleAsync(context);

    public void DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();
}
