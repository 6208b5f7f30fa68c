namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The path under which a file was found. Discover puts it together from directory and name when somebody asks; a string for each of
/// 10,000 files would weigh as much as the rest of what is known of them.
/// </summary>
internal abstract class LogName
{
    /// <summary>The absolute path; a new string each time. Any thread.</summary>
    public abstract string Path { get; }
}
