// Why a request was not let in: one list for the metric, the audit line and the answer, so that the three cannot say different things.
namespace LokiGateway.Gateway.Authenticate;

internal enum AuthFailure
{
    None,

    // Nothing was proven: 401.
    NoCredential,
    Malformed,
    UnknownUser,
    WrongPassword,
    WrongToken,
    TokenNotNow,

    // Proven, and nothing is granted: 403.
    UnknownSubject,
    TokenWithoutTenant,

    // The caller is known and may not do this: 403.
    TenantNotGranted,
    ActionNotGranted,

    // Not looked at for now: 429 and 503.
    TooManyAttempts,
    Busy,
    OldConnection,
    KeysUnavailable,

    // The handshake failed: there was no request to answer.
    CertificateRefused,
}
