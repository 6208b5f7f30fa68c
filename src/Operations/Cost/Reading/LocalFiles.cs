namespace LokiGateway.Operations.Cost.Reading;

/// <summary>The files of a directory and what is below it, or one file.</summary>
internal static class LocalFiles
{
    public static List<CostFile> List(string path)
    {
        try
        {
            if (File.Exists(path)) return [ToFile(new FileInfo(path), path, Path.GetFileName(path))];
            if (!Directory.Exists(path)) throw new CostException($"{path}: there is no such file or directory");
            return
            [
                .. new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories)
                    .Select(file => ToFile(file, Path.Combine(path, Path.GetRelativePath(path, file.FullName)), Path.GetRelativePath(path, file.FullName).Replace('\\', '/')))
                    .OrderBy(static file => file.Key, StringComparer.Ordinal),
            ];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new CostException($"{path}: cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private static CostFile ToFile(FileInfo file, string name, string key) => new(name, key, file.Length, new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero), _ =>
    {
        try
        {
            return Task.FromResult<Stream>(new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new CostException($"{name}: cannot be read: {unreadable.Message}", unreadable);
        }
    });
}
