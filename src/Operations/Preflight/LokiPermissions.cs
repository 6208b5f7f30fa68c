namespace LokiGateway.Operations.Preflight;

/// <summary>An action that Loki needs and does not have.</summary>
internal sealed record MissingPermission(string Action, string Resource, PolicyAnswer Answer);

/// <summary>What Loki asks of its bucket: the four actions of its documentation, and why each.</summary>
internal static class LokiPermissions
{
    private static readonly (string Action, bool IsOfBucket, string Without)[] Needed =
    [
        ("s3:ListBucket", true, "the index is not found"),
        ("s3:GetObject", false, "queries of what is stored fail"),
        ("s3:PutObject", false, "chunks stay in the ingesters until they fall over"),
        ("s3:DeleteObject", false, "retention and compaction delete nothing"),
    ];

    /// <summary>What happens without an action.</summary>
    public static string Without(string action) => Array.Find(Needed, one => one.Action == action).Without;

    /// <summary>What of it the policy does not grant for the whole bucket.</summary>
    public static IReadOnlyList<MissingPermission> MissingIn(PolicyDocument policy, string bucket, string partition = "aws")
    {
        var missing = new List<MissingPermission>();
        foreach ((string action, bool isOfBucket, _) in Needed)
        {
            string resource = $"arn:{partition}:s3:::{bucket}{(isOfBucket ? "" : "/*")}";
            PolicyAnswer answer = policy.Evaluate(action, resource);
            if (answer.Grant != Grant.Allowed) missing.Add(new MissingPermission(action, resource, answer));
        }
        return missing;
    }
}
