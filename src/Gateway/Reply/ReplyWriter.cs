// The only place where an outcome becomes a status. What an agent does next hangs on it: Promtail and Alloy throw a batch away on 400, 401, 403, 404, 408,
// 413 and 422, and send it again on 429 and 5xx. So nothing that passes with time may be answered with one of the first.
using System.Globalization;
using System.Text;
using LokiGateway.Gateway.Forward;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Reply;

internal static class ReplyWriter
{
    /// <summary>What to do, in words, where the body is Loki's and must stay so.</summary>
    public const string HintHeader = "X-Loki-Gateway-Hint";

    // Go's http.Error, which all of Loki's errors go through.
    private const string ErrorContentType = "text/plain; charset=utf-8";

    /// <summary>Answers with a refusal of the gateway; returns the status.</summary>
    public static async Task<int> RefuseAsync(HttpContext http, Refusal refusal)
    {
        int status = StatusOf(refusal);
        HttpResponse response = http.Response;
        if (refusal.Kind == RefusalKind.ClientGone) return status;
        response.StatusCode = status;
        WriteHeaders(response, refusal);
        // 405 and 204 have no body in Loki.
        if (refusal.Kind == RefusalKind.WrongMethod || status == StatusCodes.Status204NoContent) return status;
        await WriteErrorAsync(response, Encoding.UTF8.GetBytes(refusal.Text + "\n"));
        return status;
    }

    /// <summary>What a refusal says beside its status and text, whichever form these have.</summary>
    public static void WriteHeaders(HttpResponse response, Refusal refusal)
    {
        if (refusal.Kind == RefusalKind.WrongMethod) response.Headers.Allow = refusal.Text;
        if (refusal.Challenges.Length > 0) response.Headers.WWWAuthenticate = refusal.Challenges;
        if (refusal.RetryAfter is { } wait) response.Headers.RetryAfter = Seconds(wait);
        if (refusal.Hint is { } hint) response.Headers[HintHeader] = hint;
    }

    /// <summary>Answers with what Loki said, to the letter, or with why it said nothing.</summary>
    public static async Task<int> AnswerAsync(HttpContext http, UpstreamAnswer answer)
    {
        if (FailureOf(answer) is { } failure) return await RefuseAsync(http, failure);
        HttpResponse response = http.Response;
        response.StatusCode = answer.Status;
        if (answer.RetryAfter is not null) response.Headers.RetryAfter = answer.RetryAfter;
        if (answer.IsTooLargeForIngesters) response.Headers[HintHeader] = LokiTexts.LargerThanIngestersTake;
        if (answer.Body.Length == 0 || answer.Status is 204 or 205) return answer.Status;
        response.ContentType = answer.ContentType;
        if (answer.Status >= 400) response.Headers.XContentTypeOptions = "nosniff";
        response.ContentLength = answer.Body.Length;
        await response.Body.WriteAsync(answer.Body, http.RequestAborted);
        return answer.Status;
    }

    /// <summary>What an agent is told when there is no answer: always something that it retries.</summary>
    public static Refusal RefusalFor(in UpstreamAnswer answer) => answer.Result switch
    {
        UpstreamResult.Unreachable => new Refusal(RefusalKind.UpstreamUnreachable, "gateway: no connection to Loki, try again later") { RetryAfter = TimeSpan.FromSeconds(1) },
        UpstreamResult.BreakerOpen => new Refusal(RefusalKind.UpstreamUnreachable, "gateway: Loki fails at the moment, try again later")
        {
            RetryAfter = answer.Wait ?? TimeSpan.FromSeconds(1),
        },
        UpstreamResult.TooManyInFlight => new Refusal(RefusalKind.Overloaded, "gateway: too many pushes at Loki (upstream.max_in_flight), try again later")
        {
            RetryAfter = TimeSpan.FromSeconds(1),
        },
        UpstreamResult.TimedOut => new Refusal(RefusalKind.UpstreamTimeout, "gateway: Loki did not answer in time (upstream.timeout)"),
        _ => new Refusal(RefusalKind.UpstreamBroken, "gateway: the connection to Loki broke before its answer"),
    };

    /// <summary>Why there is nothing of Loki's to pass on; null: there is.</summary>
    public static Refusal? FailureOf(in UpstreamAnswer answer)
    {
        if (answer.Result != UpstreamResult.Answered) return RefusalFor(answer);
        return answer.Status is < 200 or (>= 300 and < 400)
            ? new Refusal(RefusalKind.UpstreamBroken, "gateway: the upstream answered with a redirect; check upstream.push_url")
            : null;
    }

    /// <summary>Answers a push.</summary>
    public static Task<int> PushedAsync(HttpContext http, PushOutcome outcome)
    {
        // Only beside an answer that decides over the rest: a shipper takes every stream that is not named for delivered.
        if (outcome.RejectedStreams is { } streams) http.Response.Headers[Admit.RefusedStreams.Header] = streams;
        return outcome.Refusal is { } refusal ? RefuseAsync(http, refusal) : AnswerAsync(http, outcome.Answer);
    }

    /// <summary>The HTTP status that an outcome has, or would have.</summary>
    public static int StatusOf(in PushOutcome outcome) =>
        (outcome.Refusal ?? FailureOf(outcome.Answer)) is { } refusal ? StatusOf(refusal) : outcome.Answer.Status;

    /// <summary>The HTTP status of a refusal.</summary>
    public static int StatusOf(Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.WrongMethod => StatusCodes.Status405MethodNotAllowed,
        RefusalKind.UnknownRoute => StatusCodes.Status404NotFound,
        RefusalKind.NoTenant or RefusalKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        RefusalKind.Forbidden => StatusCodes.Status403Forbidden,
        RefusalKind.BadTenant or RefusalKind.BadRequest => StatusCodes.Status400BadRequest,
        RefusalKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        // Loki's documented way to drop a tenant's pushes silently.
        RefusalKind.Blocked => refusal.BlockedStatus == StatusCodes.Status200OK ? StatusCodes.Status204NoContent : refusal.BlockedStatus,
        RefusalKind.RateLimited or RefusalKind.StreamLimited => StatusCodes.Status429TooManyRequests,
        RefusalKind.Overloaded or RefusalKind.Draining or RefusalKind.UpstreamUnreachable => StatusCodes.Status503ServiceUnavailable,
        RefusalKind.UpstreamTimeout => StatusCodes.Status504GatewayTimeout,
        RefusalKind.UpstreamBroken => StatusCodes.Status502BadGateway,
        // nginx's number for it, in metrics only: nobody is there to read it.
        RefusalKind.ClientGone => StatusCodes.Status499ClientClosedRequest,
        RefusalKind.Bug => StatusCodes.Status500InternalServerError,
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal.Kind, null),
    };

    private static async Task WriteErrorAsync(HttpResponse response, byte[] body)
    {
        response.ContentType = ErrorContentType;
        response.Headers.XContentTypeOptions = "nosniff";
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, response.HttpContext.RequestAborted);
    }

    // Whole seconds, as RFC 9110 has them; never 0, which would mean at once.
    private static string Seconds(TimeSpan wait) => Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
