// Which stream a resource becomes: the same one in both encodings, and the one that a push with these labels would be.
using System.Text;
using FsCheck.Xunit;
using Google.Protobuf;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Protocol.Tests.Push;

public sealed class OtlpStreamsTests
{
    private static readonly string[] Names = ["service.name", "k8s.pod.name", "container.name", "host.name", "x", "service_name"];

    [Property(MaxTest = 200)]
    public void Resources_HaveTheSameLabelsInBothEncodings_AndTheirBytesAreTheWholeExport(int seed)
    {
        var random = new Random(seed);
        Resource[] resources = [.. Enumerable.Range(0, random.Next(6)).Select(_ => new Resource(
            [.. Enumerable.Range(0, random.Next(5)).Select(_ => (Names[random.Next(Names.Length)], $"v\"é{random.Next(3)}"))], random.Next(3)))];
        var protobuf = Protobuf(resources);
        var json = Json(resources);
        Assert.Equal(PushError.None, OtlpLogs.TryRead(protobuf, out var logs));
        Assert.True(OtlpLogs.TryReadJson(json, out _, out var error), error);
        var expected = resources.Select(static resource => (LabelSet.Of(resource.Attributes
            .Where(static pair => pair.Name is "service.name" or "k8s.pod.name" or "container.name")
            .DistinctBy(static pair => pair.Name)
            .Select(static pair => KeyValuePair.Create(pair.Name.Replace('.', '_'), pair.Value))).Text, resource.Records > 0)).ToArray();
        Assert.Equal(resources.Length, logs.Resources);
        Assert.Equal(expected, Read(protobuf, isJson: false, out var bytes).Select(static one => (one.Labels.Text, one.HasRecords)));
        Assert.Equal(protobuf, bytes.SelectMany(range => protobuf[range]).ToArray());
        Assert.Equal(expected, Read(json, isJson: true, out bytes).Select(static one => (one.Labels.Text, one.HasRecords)));
        Assert.Equal(Encoding.UTF8.GetString(json), $"{{\"resourceLogs\":[{string.Join(',', bytes.Select(range => Encoding.UTF8.GetString(json[range])))}]}}");
    }

    [Theory]
    [InlineData("""{"resourceLogs":null}""", 0)]
    [InlineData("""{"x":{"resourceLogs":[{}]},"resource_logs":[{"resource":null,"scope_logs":null}], "resourceLogs":[{"scopeLogs":[null,{"logRecords":[]}]},{}]}""", 3)]
    [InlineData("""{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"s"}}]}]}""", 1)]
    public void OddButReadableJson_HasItsResources_WithoutRecords(string json, int resources)
    {
        Assert.True(OtlpLogs.TryReadJson(Encoding.UTF8.GetBytes(json), out var logs, out var error), error);
        Assert.Equal(resources, logs.Resources);
        var read = Read(Encoding.UTF8.GetBytes(json), isJson: true, out _);
        Assert.Equal(resources, read.Count);
        Assert.All(read, static one => Assert.False(one.HasRecords));
    }

    [Fact]
    public void NumbersAndBooleans_AreLabelsByTheirText()
    {
        var json = """
            {"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}],"resource":{"attributes":[
              {"key":"service\u002ename","value":{"intValue":"5"}},{"value":{"boolValue":true},"key":"k8s.job.name"},{"key":"k8s.pod.name"}]}}]}
            """u8.ToArray();
        var one = Assert.Single(Read(json, isJson: true, out _));
        Assert.Equal(("{k8s_job_name=\"true\", service_name=\"5\"}", true), (one.Labels.Text.Replace(", k8s_pod_name=\"\"", "", StringComparison.Ordinal), one.HasRecords));
        var resource = Field(1, [.. Attribute("service.name", [0x18, 5]), .. Attribute("k8s.job.name", [0x10, 1])]);
        Assert.Equal("{k8s_job_name=\"true\", service_name=\"5\"}", Assert.Single(Read(Field(1, resource), isJson: false, out _)).Labels.Text);
    }

    [Property(MaxTest = 300)]
    public void AnyBytes_EndTheWalk_AndThrowNothing(byte[] bytes)
    {
        Read(bytes, isJson: false, out _);
        Read(bytes, isJson: true, out _);
        Read([.. "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"u8, .. bytes], isJson: true, out _);
    }

    private static List<(LabelSet Labels, bool HasRecords)> Read(byte[] export, bool isJson, out List<Range> bytes)
    {
        List<(LabelSet, bool)> found = [];
        bytes = [];
        var streams = new OtlpStreams(export, isJson);
        while (streams.TryRead(out var range))
        {
            found.Add((streams.Labels, streams.HasRecords));
            bytes.Add(range);
        }

        return found;
    }

    private static byte[] Protobuf(Resource[] resources) => [.. resources.SelectMany(static resource => Field(1,
    [
        .. Field(1, [.. resource.Attributes.SelectMany(static pair => Attribute(pair.Name, Field(1, Encoding.UTF8.GetBytes(pair.Value))))]),
        .. Field(2, [.. Enumerable.Range(0, resource.Records).SelectMany(static _ => Field(2, Field(5, Field(1, "line"u8.ToArray()))))]),
    ]))];

    private static byte[] Json(Resource[] resources) => Encoding.UTF8.GetBytes($"{{\"resourceLogs\":[{string.Join(',', resources.Select(static resource =>
        $"{{\"resource\":{{\"attributes\":[{string.Join(',', resource.Attributes.Select(static pair =>
            $"{{\"key\":\"{pair.Name}\",\"value\":{{\"stringValue\":\"{pair.Value.Replace("\"", "\\\"", StringComparison.Ordinal)}\"}}}}"))}]}}," +
        $"\"scopeLogs\":[{{\"logRecords\":[{string.Join(',', Enumerable.Repeat("{\"body\":{\"stringValue\":\"line\"}}", resource.Records))}]}}]}}"))}]}}");

    private static byte[] Attribute(string key, byte[] value) => Field(1, [.. Field(1, Encoding.UTF8.GetBytes(key)), .. Field(2, value)]);

    private static byte[] Field(int number, byte[] content)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }

        return bytes.ToArray();
    }

    private sealed record Resource((string Name, string Value)[] Attributes, int Records);
}
