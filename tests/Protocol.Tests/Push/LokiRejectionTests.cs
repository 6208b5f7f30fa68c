// Loki's own sentences (validate.go of 3.2.1 and their 3.6 spelling), and sentences that must not be mistaken for them.
using LokiGateway.Protocol.Push;

namespace LokiGateway.Protocol.Tests.Push;

public sealed class LokiRejectionTests
{
    [Theory]
    [InlineData("Max entry size '256' bytes exceeded for stream '{a=\"b\"}' while adding an entry with length '257' bytes\n", "line_too_long", 1)]
    [InlineData("max entry size '256' bytes exceeded for stream '{a=\"b\"}' while adding an entry with length '257' bytes", "line_too_long", 1)]
    [InlineData("entry for stream '{a=\"b\"}' has timestamp too new: 2026-01-01T00:00:00Z\n", "too_far_in_future", 1)]
    [InlineData("17 errors like: entry for stream '{a=\"b\"}' has timestamp too old: x, oldest acceptable timestamp is: y", "greater_than_max_sample_age", 17)]
    [InlineData("stream '{a=\"b\"}' has too many structured metadata labels: '129', limit: '128'. Please see …", "structured_metadata_too_many", 1)]
    [InlineData("entry with timestamp 2026-11-22 22:15:01 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: x, oldest acceptable " +
        "timestamp is: y',\nuser 'ops', total ignored: 3 out of 7 for stream: {a=\"b\"}\n", "too_far_behind", 3)]
    public void EntryErrors_AreCountedByReason(string body, string reason, long entries)
    {
        Assert.True(LokiRejection.TryParse(body, out IReadOnlyList<LokiRejection>? rejections));
        Assert.Equal(new LokiRejection(reason, entries), Assert.Single(rejections));
    }

    [Theory]
    [InlineData("")]
    [InlineData("couldn't parse labels: 1:4: parse error: unexpected \"=\"\n")]
    [InlineData("entry for stream '{a=\"b\"}' has 16 label names; limit 15\n")]
    [InlineData("stream '{a=\"b\"}' has duplicate label name: 'a'\n")]
    [InlineData("2 errors like: Max entry size '1' bytes exceeded …; 1 errors like: stream '{a=\"b\"}' has duplicate label name: 'a'")]
    [InlineData("snappy: corrupt input\n")]
    public void WhatDoesNotNameEveryRefusedEntry_IsNotParsed(string body) => Assert.False(LokiRejection.TryParse(body, out _));

    [Fact]
    public void LabelsThatQuoteLokisSentences_DoNotChangeTheCount()
    {
        const string Body = "Max entry size '256' bytes exceeded for stream '{a=\"; 900 errors like \"}' while adding an entry with length '257' bytes\n";
        Assert.True(LokiRejection.TryParse(Body, out IReadOnlyList<LokiRejection>? rejections));
        Assert.Equal(1, Assert.Single(rejections).Entries);
    }

    [Theory]
    [InlineData("error at least one label pair is required per stream", "missing_labels")]
    [InlineData("entry for stream '{a=\"b\"}' has 16 label names; limit 15", "max_label_names_per_series")]
    [InlineData("stream '{a=\"b\"}' has label name too long: 'x'", "label_name_too_long")]
    [InlineData("stream '{a=\"b\"}' has label value too long: 'x'", "label_value_too_long")]
    [InlineData("stream '{a=\"b\"}' has duplicate label name: 'a'", "duplicate_label_names")]
    [InlineData("Error parsing labels '{a' with error: 1:2: parse error", "invalid_labels")]
    [InlineData("couldn't parse labels: 1:4: parse error: unexpected \"=\"", "invalid_labels")]
    [InlineData("stream '{a=\"b\"}' includes structured metadata, but this feature is disallowed. Please see …", "disallowed_structured_metadata")]
    [InlineData("stream '{a=\"b\"}' has structured metadata too large: '70000' bytes, limit: '65536' bytes. Please see …", "structured_metadata_too_large")]
    [InlineData("entry with timestamp x ignored, reason: 'entry out of order',\nuser 'ops', total ignored: 1 out of 1 for stream: {a=\"b\"}", "out_of_order")]
    [InlineData("what nobody ever said", null)]
    public void EveryReasonOfLoki_HasItsWord(string text, string? reason) => Assert.Equal(reason, LokiRejection.ReasonOf(text));

    [Theory]
    [InlineData("{app=\"a\"}", "{app=\"a\"}", true)]
    [InlineData("{app=\"a\"}", "{app=\"a\", service_name=\"a\"}", true)]
    [InlineData("{service_name=\"x\"}", "{service_name=\"y\"}", false)]
    [InlineData("{app=\"a\"}", "{app=\"b\", service_name=\"a\"}", false)]
    [InlineData("{app=\"a\"}", "not labels", false)]
    public void StreamIsRecognised_WithTheLabelThatLokiAdds(string sent, string lokis, bool expected) =>
        Assert.Equal(expected, LokiRejection.IsNamed(sent, lokis));
}
