// logproto.Pusher as a client sees it, with messages as bytes.
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace LokiGateway.Gateway.Tests.Grpc;

internal static class PusherClient
{
    private static readonly Method<byte[], byte[]> Push = new(MethodType.Unary, "logproto.Pusher", "Push", Bytes, Bytes);

    public static Marshaller<byte[]> Bytes => Marshallers.Create(static bytes => bytes, static bytes => bytes);

    public static async Task CallAsync(Uri server, byte[] message, string[]? tenants = null, params (string Name, string Value)[] headers)
    {
        var metadata = new Metadata();
        foreach (string tenant in tenants ?? ["ops"]) metadata.Add("X-Scope-OrgID", tenant);
        foreach ((string name, string value) in headers) metadata.Add(name, value);
        using GrpcChannel channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { MaxSendMessageSize = null });
        Assert.Empty(await channel.CreateCallInvoker().AsyncUnaryCall(Push, null, new CallOptions(metadata), message));
    }

    /// <summary>What is in httpgrpc's detail: google.rpc.Status, Any, HTTPResponse.</summary>
    public static (int Status, string Body) DetailOf(RpcException failure)
    {
        byte[] response = Field(Field(failure.Trailers.GetValueBytes("grpc-status-details-bin")!, 3), 2);
        var input = new CodedInputStream(response);
        int status = 0;
        string body = "";
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == 1) status = input.ReadInt32();
            else body = input.ReadBytes().ToString(Encoding.UTF8);
        }

        return (status, body);
    }

    private static byte[] Field(byte[] message, int number)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == number) return input.ReadBytes().ToByteArray();
            input.SkipLastField();
        }

        throw new InvalidDataException($"no field {number}");
    }
}
