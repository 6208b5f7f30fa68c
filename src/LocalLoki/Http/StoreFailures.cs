// The one place that turns a failing store into an answer: clients must see a status that they retry, and never a stack.
using LokiGateway.LocalLoki.Store;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Http;

internal static class StoreFailures
{
    /// <summary>503 for what may pass by itself or by freeing space, 500 for what needs a person. Shippers retry both.</summary>
    public static int StatusOf(StoreFailure failure) => failure switch
    {
        StoreFailure.Full or StoreFailure.Locked => StatusCodes.Status503ServiceUnavailable,
        StoreFailure.Corrupt or StoreFailure.Unavailable => StatusCodes.Status500InternalServerError,
        _ => throw new ArgumentOutOfRangeException(nameof(failure), failure, null),
    };
}
