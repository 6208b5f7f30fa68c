// A start that cannot work must end with one sentence that says what to change, not with a stack.
namespace LokiGateway.Shipper;

/// <summary>Says, in words for the person who started the program, why the shipper cannot start (state directory, address in use).</summary>
public sealed class ShipperStartException : Exception
{
    public ShipperStartException(string message) : base(message) { }

    public ShipperStartException(string message, Exception inner) : base(message, inner) { }
}
