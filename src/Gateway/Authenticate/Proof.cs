// What came of looking at a credential.
namespace LokiGateway.Gateway.Authenticate;

/// <summary>A grant, or why there is none.</summary>
/// <param name="Grant">Null when nothing was proven.</param>
/// <param name="Failure">None exactly when there is a grant.</param>
/// <param name="Credential">Which credential of the file was meant, as far as that is known; never what was sent.</param>
/// <param name="Wait">When to come again, for a failure that passes with time.</param>
internal readonly record struct Proof(Grant? Grant, AuthFailure Failure, string Credential, TimeSpan Wait)
{
    public static Proof Of(Grant grant) => new(grant, AuthFailure.None, grant.Credential, TimeSpan.Zero);

    public static Proof Failed(AuthFailure failure, string credential = "") => new(null, failure, credential, TimeSpan.Zero);

    public static Proof Later(AuthFailure failure, TimeSpan wait) => new(null, failure, "", wait);
}
