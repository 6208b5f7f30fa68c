// What an outcome is called in gRPC. Loki's own conventions, where it has them: an error of a push is the number of the HTTP status it would be, with the HTTP answer as
// a detail (dskit's httpgrpc); a missing tenant is Unknown. Where Loki says nothing, clients must see what they retry.
using System.Globalization;
using System.Text;
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
        byte[] response = WireMessage.Build(output =>
        {
            output.WriteVarint(1, httpStatus);
            output.WriteBytes(3, Encoding.UTF8.GetBytes(body));
        });
        byte[] any = WireMessage.Build(output =>
        {
            output.WriteBytes(1, "type.googleapis.com/httpgrpc.HTTPResponse"u8);
            output.WriteBytes(2, response);
        });
        return WireMessage.Build(output =>
        {
            output.WriteVarint(1, (int)code);
            output.WriteBytes(2, Encoding.UTF8.GetBytes(text));
            output.WriteBytes(3, any);
        });
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
