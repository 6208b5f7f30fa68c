// The parts of a benchmark that must not be measured with a just-in-time compiler in the way: the bare loop, the walk over pushes, the
// bare Kestrel forwarder (references), and the null sink and the load generator (the other ends of the wire). One small binary, one role
// a process.
using System.Globalization;

namespace LokiGateway.Benchmarks.Native;

internal static class Program
{
    private const string Usage = """
        benchmark-native ROLE [--key=value ...]: started by `dotnet run --project benchmarks`, of no use alone.
          bare     --logs=DIR --passes=1
          walk     --logs=DIR --seconds=5
          sink     [--count]                      answers 204 to everything
          load     --logs=DIR --url=URL --connections=8 --seconds=8 [--rate=PUSHES_PER_SECOND] [--warmup=SECONDS] [--token=T] [--stamped]
          fleet    --url=URL --shippers=1000 --connections=200 --seconds=10 [--greed=TIMES]
          kestrel  --upstream=URL
        """;

    private static int Main(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
        var options = new RoleOptions(arguments.AsSpan(1));
        try
        {
            switch (arguments[0])
            {
                case "bare": BareLoop.Run(options); return 0;
                case "walk": PushWalk.Run(options); return 0;
                case "sink": NullSink.Run(options); return 0;
                case "load": LoadGenerator.Run(options); return 0;
                case "fleet": FleetLoad.Run(options); return 0;
                case "kestrel": KestrelForwarder.Run(options); return 0;
                default: Console.Error.WriteLine(Usage); return 2;
            }
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or FormatException or InvalidOperationException)
        {
            Console.Error.WriteLine($"benchmark-native {arguments[0]}: {exception.Message}");
            return 1;
        }
    }
}

/// <summary>Arguments of a role: <c>--key=value</c> or <c>--flag</c>.</summary>
internal sealed class RoleOptions
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public RoleOptions(ReadOnlySpan<string> arguments)
    {
        foreach (string argument in arguments)
        {
            int equals = argument.IndexOf('=');
            _values[equals < 0 ? argument : argument[..equals]] = equals < 0 ? "" : argument[(equals + 1)..];
        }
    }

    public bool Has(string key) => _values.ContainsKey(key);

    public string Required(string key) => _values.GetValueOrDefault(key) ?? throw new ArgumentException($"{key}=… is missing");

    public double Number(string key, double fallback) =>
        _values.TryGetValue(key, out string? text) ? double.Parse(text, CultureInfo.InvariantCulture) : fallback;
}
