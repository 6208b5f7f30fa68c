namespace LokiGateway.Shipper.Frame;

/// <summary>What Frame met since the counts were last taken; added up per chunk, not per line.</summary>
internal struct FrameCounts
{
    /// <summary>Entries handed to the sink.</summary>
    public long Lines;

    /// <summary>Entries cut to the longest allowed line.</summary>
    public long Truncated;

    /// <summary>Lines of a CRI file that are not CRI; shipped as they are.</summary>
    public long NotCri;

    /// <summary>Lines of a docker json-file that are not; shipped as they are.</summary>
    public long NotDocker;

    /// <summary>Entries in which bytes that are not UTF-8 were replaced by U+FFFD.</summary>
    public long InvalidUtf8;

    /// <summary>P...F sequences that ended without their F (the file ended, or the container fell silent); shipped as far as they came.</summary>
    public long Unfinished;

    /// <summary>Entries stamped with the time of reading: the only ones that a crash can duplicate.</summary>
    public long ReadTimed;

    /// <summary>Entries in which a redaction rule replaced something.</summary>
    public long Redacted;

    /// <summary>Multi-line entries ended by a bound while their lines went on.</summary>
    public long SplitBlocks;
}
