using System.IO.Enumeration;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Goes through one directory and shows each entry's name to a visitor, without a string or a stat call for the ones that nobody wants.
/// </summary>
internal sealed class DirectoryListing : FileSystemEnumerator<bool>
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
        ReturnSpecialDirectories = false,
    };

    private readonly Visitor _visit;

    private DirectoryListing(string directory, Visitor visit)
        : base(directory, Everything) => _visit = visit;

    /// <param name="name">Valid during the call only.</param>
    /// <param name="isDirectory">A directory, or a symbolic link to one.</param>
    public delegate void Visitor(ReadOnlySpan<char> name, bool isDirectory);

    /// <exception cref="IOException">The directory is gone or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">We may not read it.</exception>
    public static void Visit(string directory, Visitor visit)
    {
        using var listing = new DirectoryListing(directory, visit);
        // Nothing is ever included, so this goes through to the end.
        listing.MoveNext();
    }

    protected override bool ShouldIncludeEntry(ref FileSystemEntry entry)
    {
        _visit(entry.FileName, entry.IsDirectory);
        return false;
    }

    protected override bool ShouldRecurseIntoEntry(ref FileSystemEntry entry) => false;

    protected override bool TransformEntry(ref FileSystemEntry entry) => true;
}
