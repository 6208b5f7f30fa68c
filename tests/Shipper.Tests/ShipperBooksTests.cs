// "read = acked + rejected + in flight at every moment", asked for all the time while an endpoint does its worst.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class ShipperBooksTests
{
    /// <summary>Random scripts of answers. Each case is a whole shipper, so the files are small and the cases share one test's time.</summary>
    [Property(MaxTest = 100)]
    public Property BooksCloseAtEveryMoment_AndEveryLineArrives_UnderRandomAnswers() => Prop.ForAll(Scripts(), static script =>
    {
        RunAsync(script).GetAwaiter().GetResult();
    });

    private static async Task RunAsync(IReadOnlyList<int> script)
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Script([.. script.Select(Answer)]);
        await using var rig = new ShipperRig(sink, static options => options with
        {
            Endpoint = options.Endpoint with { BatchSizeBytes = 2048, BatchWait = TimeSpan.FromMilliseconds(1), MaxBackoff = TimeSpan.FromMilliseconds(2) },
        });
        for (int pod = 0; pod < 3; pod++) rig.WritePod($"web-{pod}", ShipperRig.Lines(100));
        await rig.StartAsync();
        // Not DrainAsync, which waits for the next scan: a hundred cases are to be looked at, each from its first moment to its last.
        long giveUpAt = Environment.TickCount64 + (long)ShipperRig.Patience.TotalMilliseconds;
        ShipperTotals totals;
        do
        {
            totals = rig.Shipper.Totals;
            Assert.Equal(totals.ReadLines, totals.AckedLines + totals.RejectedLines + totals.InFlightLines);
            Assert.True(Environment.TickCount64 < giveUpAt, totals.ToString());
            await Task.Yield();
        }
        while (totals.ReadLines < 300 || totals.InFlightLines > 0);
        ShipperTotals end = rig.Shipper.Totals;
        Assert.Equal((300, 0), (end.ReadLines, end.InFlightLines));
        // What was refused in one attempt may have been stored in an earlier one whose answer was lost; what was acknowledged is stored.
        Assert.InRange(sink.Distinct().Count, end.AckedLines, 300);
        Assert.Empty(sink.Faults);
    }

    private static Arbitrary<IReadOnlyList<int>> Scripts() =>
        Gen.Choose(0, 9).ListOf().Select(static list => (IReadOnlyList<int>)[.. list.Take(12)]).ToArbitrary();

    private static SinkAnswer Answer(int kind) => kind switch
    {
        0 => SinkAnswer.Refuse(500),
        1 => SinkAnswer.RateLimited(),
        2 => SinkAnswer.Refuse(413),
        3 => SinkAnswer.DropAfterReading(stored: true),
        4 => SinkAnswer.DropBeforeReading,
        5 => SinkAnswer.StoredThen(503),
        6 => SinkAnswer.TooFarBehind(static (stream, entry) => stream.Labels.Contains("web-1", StringComparison.Ordinal) && entry.Line.EndsWith('1')),
        7 => SinkAnswer.CloseInMiddleOfAnswer(),
        8 => SinkAnswer.Refuse(401),
        _ => SinkAnswer.Ok,
    };
}
