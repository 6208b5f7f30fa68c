using System.CommandLine.Parsing;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Loki;

/// <summary>Durations on a command line in the spelling of Loki's configuration, with the option's name in every complaint.</summary>
internal static class CommandDurations
{
    public static Action<OptionResult> Check(string option, TimeSpan least, TimeSpan most) => result =>
    {
        if (result.Tokens.Count != 1) return;
        string text = result.Tokens[0].Value;
        if (!Durations.TryParse(text, out TimeSpan duration, out string error)) result.AddError($"{option}: {error}");
        else if (duration < least || duration > most) result.AddError($"{option}: \"{text}\" is not between {least:c} and {most:c}");
    };

    /// <summary>For text that was checked before.</summary>
    public static TimeSpan Read(string text) => Durations.TryParse(text, out TimeSpan duration, out string error) ? duration : throw new FormatException(error);
}
