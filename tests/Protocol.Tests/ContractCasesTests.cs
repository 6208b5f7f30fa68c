// The recorded answers of a Loki 3.2.1, as far as they depend on the wire alone: which bodies decode, which label strings parse, and the words.
using System.Buffers;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Testing.Contract;

namespace LokiGateway.Protocol.Tests;

public sealed class ContractCasesTests
{
    private static readonly string[] DecodeErrors = ["snappy: ", "proto: ", "couldn't parse labels: "];

    // Cases that the HTTP layer answers, before or without decoding the body.
    private static bool IsDecoded(ContractCase recorded) =>
        recorded.Path is "/loki/api/v1/push" or "/api/prom/push"
        && recorded.Method == "POST"
        && recorded.Name is not ("bad/no content type" or "bad/unparsable content type" or "bad/content-encoding zstd")
        && Header(recorded, "Content-Encoding") is null or "snappy";

    public static TheoryData<string> Cases() => [.. ContractCase.All.Where(IsDecoded).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void RecordedBody_IsDecodedOrRefusedAsLokiDid(string name)
    {
        var recorded = ContractCase.All.Single(c => c.Name == name);
        var body = recorded.Render(DateTimeOffset.UnixEpoch.AddSeconds(1_795_382_395)) ?? [];
        var isJson = Header(recorded, "Content-Type")!.StartsWith("application/json", StringComparison.Ordinal);

        var error = isJson ? DecodeJson(body, recorded.Path) : DecodeSnappy(body);

        if (recorded.Name.StartsWith("bad/json ", StringComparison.Ordinal) && isJson)
            Assert.Matches(recorded.Name == "bad/json empty body" ? "^EOF$" : "^json: .+ at byte [0-9]+$", error);
        else if (DecodeErrors.Any(prefix => recorded.Body.StartsWith(prefix, StringComparison.Ordinal)))
            Assert.Equal(recorded.Body.TrimEnd('\n'), error);
        else
            Assert.Null(error);
    }

    private static string? DecodeSnappy(byte[] body)
    {
        if (SnappyBlock.TryReadLength(body, 1 << 24, out var length) != SnappyError.None)
            return "snappy: corrupt input";
        var request = new byte[length];
        return SnappyBlock.TryDecode(body, request, out _) == SnappyError.None ? DecodeRequest(request) : "snappy: corrupt input";
    }

    private static string? DecodeJson(byte[] body, string path)
    {
        var version = path.Contains("/loki/api/v1", StringComparison.Ordinal) ? PushJsonVersion.V1 : PushJsonVersion.V0;
        var request = new ArrayBufferWriter<byte>();
        return PushJson.TryToProtobuf(body, version, request, out var error) ? DecodeRequest(request.WrittenSpan) : error;
    }

    private static string? DecodeRequest(ReadOnlySpan<byte> request)
    {
        PushSummary summary = default;
        if (PushSummary.TryRead(request, ref summary) != PushError.None)
            return PushErrors.Describe(request);
        var reader = new PushReader(request);
        while (reader.TryReadStream(out var stream))
        {
            if (!LabelSet.TryParse(stream.Labels, out _, out var error))
                return "couldn't parse labels: " + error;
        }

        return null;
    }

    private static string? Header(ContractCase recorded, string name) =>
        recorded.Headers.Where(header => header.Name == name).Select(header => header.Value).SingleOrDefault();
}
