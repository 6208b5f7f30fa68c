// The policy evaluator against one that is slow and simple: regular expressions, over many concrete keys. What is accepted must be granted for each of them.
using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Preflight;

namespace LokiGateway.Operations.Tests.Preflight;

public sealed class PolicyDocumentTests
{
    private const string Bucket = "chunks";

    private static readonly string[] Keys = ["x", "prod/4f/1:2:3", "dev/4f/1:2:3", "index/t/1.tsdb.gz", "loki_cluster_seed.json", "a/prod/b", "prod/", "z"];

    private static readonly string[] ActionPatterns =
    [
        "*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "s3:PutObject", "s3:Put*", "s3:DeleteObject", "s3:DeleteObject*", "s3:ListBucket", "s3:List*", "s3:?etObject",
        "s3:GetObjectVersion", "ec2:*", "s3:*Object", "s3:*Bucket",
    ];

    private static readonly string[] ResourcePatterns =
    [
        "*", "arn:aws:s3:::chunks", "arn:aws:s3:::chunks/*", "arn:aws:s3:::chunks*", "arn:aws:s3:::*", "arn:aws:s3:::ruler/*", "arn:aws:s3:::chunks/prod/*", "arn:aws:s3:::chunk?/*",
        "arn:aws:s3:::chunks/?", "arn:aws:s3:::chunks/*/b", "arn:aws:s3:::Chunks/*",
    ];

    /// <summary>One statement.</summary>
    public sealed record Statement(bool IsAllow, string[] Actions, bool IsNotAction, string[] Resources, bool IsNotResource, int Condition);

    // Good statements are more frequent, so that policies are accepted as well as refused.
    private static Gen<Statement> Statements() => Gen.Frequency(
        (2, Gen.Constant(new Statement(true, ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"], false, ["arn:aws:s3:::chunks", "arn:aws:s3:::chunks/*"], false, 0))),
        (1, Gen.Constant(new Statement(true, ["s3:*"], false, ["arn:aws:s3:::chunks*"], false, 0))),
        (5, from isAllow in Gen.Frequency((3, Gen.Constant(true)), (1, Gen.Constant(false)))
            from actions in Gen.Elements(ActionPatterns).NonEmptyListOf()
            from isNotAction in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
            from resources in Gen.Elements(ResourcePatterns).NonEmptyListOf()
            from isNotResource in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
            from condition in Gen.Frequency((4, Gen.Constant(0)), (1, Gen.Choose(1, 3)))
            select new Statement(isAllow, [.. actions.Take(3)], isNotAction, [.. resources.Take(3)], isNotResource, condition)));

    [Property(MaxTest = 2000)]
    public Property P01_PolicyIsAcceptedOnlyIfItGrantsEachActionOnEveryObject() => Prop.ForAll(Statements().NonEmptyListOf().ToArbitrary(), static generated =>
    {
        Statement[] statements = [.. generated.Take(4)];
        var policy = PolicyDocument.Parse(Json(statements));

        bool accepted = LokiPermissions.MissingIn(policy, Bucket).Count == 0;

        bool granted = IsGranted(statements, "s3:ListBucket", $"arn:aws:s3:::{Bucket}")
            && Array.TrueForAll((string[])["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], action => Array.TrueForAll(Keys, key => IsGranted(statements, action, $"arn:aws:s3:::{Bucket}/{key}")));
        // Statements with NotResource may share the keys between them in ways that no pattern shows: then it is refused to be on the safe side.
        if (accepted || !statements.Any(static one => one.IsNotResource)) Assert.True(accepted == granted, $"accepted {accepted}: {Json(statements)}");
    });

    [Property(MaxTest = 500)]
    public Property PatternsCoverAndOverlap_AsTheirTextsDo() => Prop.ForAll(
        Gen.Elements('a', 'b', '*', '?').ListOf().Select(static chars => string.Concat(chars.Take(6))).ToArbitrary(),
        Gen.Elements('a', 'b', '*').ListOf().Select(static chars => string.Concat(chars.Take(6))).ToArbitrary(), static (pattern, asked) =>
        {
            // Every text of up to five letters that the asked pattern stands for.
            string[] texts = [.. Texts(5).Where(text => IsMatch(asked, text))];
            bool covers = WildcardPattern.Covers(pattern, asked), overlaps = WildcardPattern.Overlaps(pattern, asked);
            if (covers) Assert.All(texts, text => Assert.True(IsMatch(pattern, text), $"{pattern} {asked} {text}"));
            if (texts.Any(text => IsMatch(pattern, text))) Assert.True(overlaps, $"{pattern} {asked}");
            if (!asked.Contains('*', StringComparison.Ordinal)) Assert.Equal((IsMatch(pattern, asked), IsMatch(pattern, asked)), (covers, overlaps));
        });

    [Theory]
    [InlineData("arn:aws:s3:::chunks/*", "arn:aws:s3:::chunks/*", true, true)]
    [InlineData("*", "arn:aws:s3:::chunks/*", true, true)]
    [InlineData("arn:aws:s3:::chunks/prod/*", "arn:aws:s3:::chunks/*", false, true)]
    [InlineData("arn:aws:s3:::chunks/?*", "arn:aws:s3:::chunks/*", false, true)]
    [InlineData("arn:aws:s3:::ruler/*", "arn:aws:s3:::chunks/*", false, false)]
    [InlineData("arn:aws:s3:::chunks", "arn:aws:s3:::chunks/*", false, false)]
    public void Pattern_CoversOrOverlaps(string pattern, string asked, bool covers, bool overlaps) =>
        Assert.Equal((covers, overlaps), (WildcardPattern.Covers(pattern, asked), WildcardPattern.Overlaps(pattern, asked)));

    [Fact]
    public void PolicyWithoutDelete_IsRefusedForWhatItMisses()
    {
        var policy = PolicyDocument.Parse("""
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"], "Resource": ["arn:aws:s3:::chunks", "arn:aws:s3:::chunks/*"]}}
            """);
        Assert.Equal(("s3:DeleteObject", Grant.NotAllowed), (Assert.Single(LokiPermissions.MissingIn(policy, Bucket)).Action, LokiPermissions.MissingIn(policy, Bucket)[0].Answer.Grant));
    }

    [Fact]
    public void DenyOfOnePrefix_IsNamedByItsSid()
    {
        var policy = PolicyDocument.Parse("""
            {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "NotProd", "Effect": "Deny", "NotAction": "s3:List*", "Resource": "arn:aws:s3:::chunks/prod/*"}]}
            """);
        Assert.Equal([("s3:GetObject", "NotProd"), ("s3:PutObject", "NotProd"), ("s3:DeleteObject", "NotProd")],
            LokiPermissions.MissingIn(policy, Bucket).Select(static one => (one.Action, one.Answer.Statement)));
        Assert.Empty(LokiPermissions.MissingIn(policy, "ruler"));
    }

    [Theory]
    [InlineData("", "line 1, column 1: ")]
    [InlineData("{\"Statement\": [\n  {\"Effect\": }]}", "line 2, column 14: ")]
    [InlineData("[]", "is no JSON object")]
    [InlineData("{}", "Statement: is missing")]
    [InlineData("{\"Version\": \"2012\", \"Statement\": []}", "Version: must be \"2012-10-17\"")]
    [InlineData("{\"Statements\": []}", "Statements: is no element of a policy")]
    [InlineData("{\"Statement\": [{\"Effect\": \"allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}", "Statement[0].Effect: must be \"Allow\" or \"Deny\"")]
    [InlineData("{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": \"*\"}]}", "Statement[0].Action: is missing")]
    [InlineData("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"NotAction\": \"*\", \"Resource\": \"*\"}}", "Statement: Action and NotAction exclude each other")]
    [InlineData("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": [1], \"Resource\": \"*\"}}", "Statement.Action: must be a text or a list of texts")]
    [InlineData("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Principal\": \"*\", \"Resource\": \"*\"}}", "Statement.Principal: belongs into a bucket's")]
    [InlineData("{\"Statement\": {\"Effect\": \"Allow\", \"Actions\": \"*\", \"Resource\": \"*\"}}", "Statement.Actions: is no element of a statement")]
    public void WhatIsNoPolicy_IsRefusedWithThePlace(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => PolicyDocument.Parse(json)).Message, StringComparison.Ordinal);

    // As AWS says it: an explicit deny, then an allow. A condition that nobody can judge is taken for the worse.
    private static bool IsGranted(Statement[] statements, string action, string resource)
    {
        bool allowed = false;
        foreach (Statement one in statements)
        {
            bool applies = one.Actions.Any(pattern => IsMatch(pattern.ToLowerInvariant(), action.ToLowerInvariant())) != one.IsNotAction
                && one.Resources.Any(pattern => IsMatch(pattern, resource)) != one.IsNotResource;
            if (!applies || one.Condition == 2) continue;
            if (!one.IsAllow) return false;
            allowed |= one.Condition is 0 or 1;
        }
        return allowed;
    }

    private static bool IsMatch(string pattern, string text) =>
        Regex.IsMatch(text, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$", RegexOptions.Singleline);

    private static IEnumerable<string> Texts(int lengthMax) => lengthMax == 0 ? [""] : Texts(lengthMax - 1).SelectMany(static text => (string[])[text, text + "a", text + "b"]).Distinct();

    private static string Json(Statement[] statements)
    {
        string Values(string[] values) => values.Length == 1 ? $"\"{values[0]}\"" : $"[{string.Join(", ", values.Select(static value => $"\"{value}\""))}]";
        string[] conditions =
        [
            "", """, "Condition": {"Bool": {"aws:SecureTransport": "true"}}""", """, "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}""",
            """, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}""",
        ];
        string json = $$"""{"Version": "2012-10-17", "Statement": [{{string.Join(", ", statements.Select(one =>
            $"{{\"Effect\": \"{(one.IsAllow ? "Allow" : "Deny")}\", \"{(one.IsNotAction ? "NotAction" : "Action")}\": {Values(one.Actions)}, "
            + $"\"{(one.IsNotResource ? "NotResource" : "Resource")}\": {Values(one.Resources)}{conditions[one.Condition]}}}"))}}]}""";
        using JsonDocument _ = JsonDocument.Parse(json);
        return json;
    }
}
