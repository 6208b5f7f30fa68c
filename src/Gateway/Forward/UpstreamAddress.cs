// One distributor behind the name in push_url, with connections of its own: a pool that is shared by all of them could neither choose nor leave one out.
using System.Net;

namespace LokiGateway.Gateway.Forward;

/// <summary>What a push learned of the address that it went to.</summary>
internal enum AddressOutcome
{
    /// <summary>It answered, with whatever does not look like an outage.</summary>
    Answered,

    /// <summary>It did not answer in time, broke off, or answered 502, 503 or 504.</summary>
    Failing,

    /// <summary>It could not be connected to.</summary>
    NoConnection,
}

/// <summary>What becomes of an address when a push comes back from it.</summary>
internal enum AddressChange
{
    None,
    Ejected,
    Restored,
}

/// <summary>One address. Its mutable state belongs to <see cref="UpstreamAddresses"/> and is touched under its lock only.</summary>
internal sealed class UpstreamAddress(IPAddress ip, HttpMessageInvoker http)
{
    public IPAddress Ip => ip;

    /// <summary>Sends to this address whatever the name resolves to by now.</summary>
    public HttpMessageInvoker Http => http;

    public int InFlight { get; set; }

    /// <summary>Number of the push that it got last.</summary>
    public long LastTurn { get; set; }

    public bool IsEjected { get; set; }

    /// <summary>A push is finding out whether it is back.</summary>
    public bool IsProbed { get; set; }

    /// <summary>DNS does not name it any more: no new pushes; the connections are closed behind the last one.</summary>
    public bool IsGone { get; set; }

    /// <summary>Failures in a row, while it is not ejected.</summary>
    public int Failures { get; set; }

    /// <summary>How often it was ejected: what a push finds out about the time before an ejection says nothing about the time after it.</summary>
    public int Ejections { get; set; }

    /// <summary>Doublings of the time out.</summary>
    public int Level { get; set; }

    /// <summary>Timestamp from which it may be probed.</summary>
    public long EjectedUntil { get; set; }

    /// <summary>Timestamp of its last return; null: never ejected.</summary>
    public long? RestoredAt { get; set; }
}

/// <summary>Permission to send one push to an address; given back exactly once.</summary>
/// <param name="Address">Where to.</param>
/// <param name="Ejections">How often it had been ejected when the push went.</param>
/// <param name="IsProbe">Whether this push alone finds out if it is back.</param>
internal readonly record struct AddressLease(UpstreamAddress Address, int Ejections, bool IsProbe);
