using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway.Completeness;

/// <summary>What counts as complete.</summary>
public sealed record CompletenessOptions
{
    /// <summary>A ratio under it is told as below_threshold.</summary>
    public double Threshold { get; init; } = 0.95;

    /// <summary>Lines read within this time are judged.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>So long after it was read a line may be on its way without being missed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Asks the section <c>completeness</c> for every setting.</summary>
    public static CompletenessOptions Bind(ConfigurationSection section)
    {
        var options = new CompletenessOptions();
        return new CompletenessOptions
        {
            Threshold = section.Number("threshold", options.Threshold, 0, 1, "A cluster of which Loki has a smaller part of the lines than this is below the threshold."),
            Window = section.Duration("window", options.Window, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1), "Lines that shippers read within this time are judged."),
            Grace = section.Duration("grace", options.Grace, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1),
                "So long after it was read a line may be on its way without being missed; a shipper that is silent for longer is, too."),
        };
    }
}
