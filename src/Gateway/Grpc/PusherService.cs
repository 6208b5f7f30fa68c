// The one method that the gRPC port has. Messages are never decoded into objects: what arrives is put into a snappy block as it is.
using System.Buffers;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using LokiGateway.Gateway.Receive;
using LokiGateway.Gateway.Reply;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LokiGateway.Gateway.Grpc;

/// <summary>Takes a push on: tenant, headers, and the message as a snappy block.</summary>
internal delegate Task<PushOutcome> GrpcPush(TenantId tenant, HttpContext http, PooledBytes block);

/// <summary>logproto.Pusher. One for all calls.</summary>
internal sealed class PusherService
{
    /// <summary>Set once, before anything is listened to.</summary>
    public GrpcPush Push { get; set; } = null!;

    /// <summary>PushResponse, which has no fields.</summary>
    private static readonly byte[] Done = [];

    public async Task<byte[]> PushAsync(PooledBytes message, ServerCallContext call)
    {
        using PooledBytes block = message;
        HttpContext http = call.GetHttpContext();
        PushOutcome outcome = await Push(http.Features.GetRequiredFeature<GrpcCaller>().Tenant, http, block);
        return GrpcReply.FailureOf(outcome) is { } failure ? throw failure : Done;
    }
}

/// <summary>Describes <see cref="PusherService"/> to the library, which otherwise asks generated code for it.</summary>
internal sealed class PusherMethods(BodyMemory memory) : IServiceMethodProvider<PusherService>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<PusherService> context)
    {
        var push = new Method<PooledBytes, byte[]>(
            MethodType.Unary, "logproto.Pusher", "Push",
            Marshallers.Create(static (_, _) => throw new NotSupportedException("the gateway is no client"), Read),
            Marshallers.Create<byte[]>(static (bytes, response) => response.Complete(bytes), static _ => throw new NotSupportedException("the gateway is no client")));
        context.AddUnaryMethod(push, [], static (service, message, call) => service.PushAsync(message, call));
    }

    private PooledBytes Read(DeserializationContext message)
    {
        PooledBytes block = memory.TryRent(SnappyBlock.CompressedLengthMax(message.PayloadLength)) ?? throw GrpcReply.Failure(Overload.Refusal);
        ReadOnlySequence<byte> payload = message.PayloadAsReadOnlySequence();
        if (payload.IsSingleSegment)
        {
            block.Length = SnappyBlock.Compress(payload.FirstSpan, block.Buffer);
            return block;
        }

        using PooledBytes? whole = memory.TryRent(message.PayloadLength);
        if (whole is null)
        {
            block.Dispose();
            throw GrpcReply.Failure(Overload.Refusal);
        }

        payload.CopyTo(whole.Buffer);
        block.Length = SnappyBlock.Compress(whole.Buffer.AsSpan(0, message.PayloadLength), block.Buffer);
        return block;
    }
}
