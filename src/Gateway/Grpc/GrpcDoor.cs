// The gRPC port: logproto.Pusher/Push and nothing else. A push that comes here is made into the HTTP push that it stands for, and goes the same way: Loki counts and
// discovers service names in its HTTP route only.
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Gateway.Receive;
using LokiGateway.Gateway.Reply;
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LokiGateway.Gateway.Grpc;

/// <summary>Who calls, known before a byte of the message is read. A feature of the request.</summary>
internal sealed record GrpcCaller(TenantId Tenant);

/// <summary>Thread-safe.</summary>
internal sealed class GrpcDoor
{
    /// <summary>Loki's own bound, and the library's: a longer message is refused before it is read.</summary>
    public const int MessageBytesMax = 4 << 20;

    private readonly IServiceScopeFactory _scopes;
    private readonly RequestDelegate _calls;
    private readonly Authentication _authentication;
    private readonly BodyMemory _memory;

    public GrpcDoor(IServiceProvider services, Authentication authentication, BodyMemory memory)
    {
        (_authentication, _memory) = (authentication, memory);
        _scopes = services.GetRequiredService<IServiceScopeFactory>();
        var application = new ApplicationBuilder(services);
        application.UseRouting();
        application.UseEndpoints(static endpoints => endpoints.MapGrpcService<PusherService>());
        _calls = application.Build();
    }

    /// <summary>Answers one call.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        // Loki takes a tenant that is sent twice for none, even if both are equal.
        bool isTwice = http.Request.Headers[TenantHeader.Name].Count > 1;
        (Refusal? stranger, Identity identity) = isTwice ? (TenantHeader.Missing, default) : await _authentication.ForPushAsync(http);
        if (AccessLog.Of(http) is { } record)
        {
            record.Route = Route.GrpcPush;
            if (stranger is not null) record.Status = ReplyWriter.StatusOf(stranger);
        }

        if (stranger is not null)
        {
            GrpcReply.Refuse(http.Response, stranger);
            return;
        }

        // The library reads a message into memory of its own; what it may take is charged before, for as long as the call lasts.
        if (!_memory.TryCharge(MessageBytesMax))
        {
            if (AccessLog.Of(http) is { } refused) refused.Status = ReplyWriter.StatusOf(Overload.Refusal);
            GrpcReply.Refuse(http.Response, Overload.Refusal);
            return;
        }

        try
        {
            ((DefaultHttpContext)http).ServiceScopeFactory = _scopes;
            http.Features.Set(new GrpcCaller(identity.Tenant));
            await _calls(http);
        }
        finally
        {
            _memory.Release(MessageBytesMax);
        }
    }
}
