// Files and services that the gateway leans on: whether the last change of each is in force. A slip in an overrides file is found on the page and not a week later.
namespace LokiGateway.Gateway.Observe;

/// <summary>One line of the page.</summary>
/// <param name="Name">What is checked.</param>
/// <param name="State">One of <see cref="Good"/>, <see cref="Warning"/>, <see cref="Bad"/>.</param>
/// <param name="Text">In words, without secrets.</param>
/// <param name="Next">What to do about it; null when it is good.</param>
internal sealed record StatusCheck(string Name, string State, string Text, string? Next = null)
{
    public const string Good = "ok";
    public const string Warning = "warning";
    public const string Bad = "bad";
}
