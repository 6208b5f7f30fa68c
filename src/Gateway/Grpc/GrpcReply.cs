// What an outcome is called in gRPC. Loki's own conventions, where it has them: an error of a push is the number of the HTTP status it would be, with the HTTP answer as
// a detail (dskit's httpgrpc); a missing tenant is Unknown. Where Loki says nothing, clients must see what they retry.
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Reply;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Grpc;

internal static class GrpcReply
{
    private const string DetailsTrailer = "grpc-status-details-bin";

    /// <summary>Ends a call before the library has seen it: headers alone, as the protocol has it.</summary>
    public static void Refuse(HttpResponse response, Refusal refusal)
    {
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)StatusOf(refusal)).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Escaped(refusal.Text);
    }

    /// <summary>Null: the push went through.</summary>
    public static RpcException? FailureOf(in PushOutcome outcome)
    {
        if ((outcome.Refusal ?? ReplyWriter.FailureOf(outcome.Answer)) is { } refusal) return Failure(refusal, outcome.RejectedStreams);
        return outcome.Answer.Status < 400 ? null : Failure((StatusCode)outcome.Answer.Status, outcome.Answer.Status, Encoding.UTF8.GetString(outcome.Answer.Body), null);
    }

    public static RpcException Failure(Refusal refusal, string? rejectedStreams = null) =>
        Failure(StatusOf(refusal), ReplyWriter.StatusOf(refusal), refusal.Text + "\n", rejectedStreams);

    private static RpcException Failure(StatusCode code, int httpStatus, string body, string? rejectedStreams)
    {
        string text = body.TrimEnd('\n');
        var trailers = new Metadata { { DetailsTrailer, Details(code, text, httpStatus, body) } };
        if (rejectedStreams is not null) trailers.Add(RefusedStreams.Header.ToLowerInvariant(), rejectedStreams);
        return new RpcException(new Status(code, text), trailers);
    }

    private static StatusCode StatusOf(Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.NoTenant => StatusCode.Unknown,
        RefusalKind.Unauthenticated => StatusCode.Unauthenticated,
        RefusalKind.Forbidden => StatusCode.PermissionDenied,
        RefusalKind.Overloaded or RefusalKind.Draining or RefusalKind.UpstreamUnreachable or RefusalKind.UpstreamTimeout or RefusalKind.UpstreamBroken => StatusCode.Unavailable,
        RefusalKind.TooLarge => StatusCode.ResourceExhausted,
        RefusalKind.Bug => StatusCode.Internal,
        _ => (StatusCode)ReplyWriter.StatusOf(refusal),
    };

    /// <summary>google.rpc.Status with an httpgrpc.HTTPResponse in it.</summary>
    private static byte[] Details(StatusCode code, string text, int httpStatus, string body)
    {
        byte[] response = Message(output =>
        {
            Varint(output, 1, httpStatus);
            Bytes(output, 3, Encoding.UTF8.GetBytes(body));
        });
        byte[] any = Message(output =>
        {
            Bytes(output, 1, "type.googleapis.com/httpgrpc.HTTPResponse"u8);
            Bytes(output, 2, response);
        });
        return Message(output =>
        {
            Varint(output, 1, (int)code);
            Bytes(output, 2, Encoding.UTF8.GetBytes(text));
            Bytes(output, 3, any);
        });
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true)) write(output);
        return bytes.ToArray();
    }

    private static void Varint(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static void Bytes(CodedOutputStream output, int field, ReadOnlySpan<byte> value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }

    /// <summary>The protocol's percent-encoding: everything but printable ASCII.</summary>
    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= 0x20 and < 0x7F and not (byte)'%') escaped.Append((char)b);
            else escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return escaped.ToString();
    }
}
