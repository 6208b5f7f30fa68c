namespace LokiGateway.Operations.Cost.Reading;

/// <summary>One object or file of a source.</summary>
/// <param name="Name">As messages show it: a path or s3://bucket/key.</param>
/// <param name="Key">Path below the source, with forward slashes.</param>
/// <param name="Bytes">Its size as it is stored.</param>
/// <param name="Written">When: how fresh the data is.</param>
/// <param name="OpenAsync">Opens it as it is stored, compressed or not.</param>
internal sealed record CostFile(string Name, string Key, long Bytes, DateTimeOffset Written, Func<CancellationToken, Task<Stream>> OpenAsync)
{
    public bool IsGzip => Key.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    public bool IsCsv => Key.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) || Key.EndsWith(".csv.gz", StringComparison.OrdinalIgnoreCase);

    public bool IsJson => Key.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || Key.EndsWith(".json.gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>The content, unpacked.</summary>
    public async Task<Stream> OpenTextAsync(CancellationToken ct)
    {
        Stream stored = await OpenAsync(ct);
        return IsGzip ? new System.IO.Compression.GZipStream(stored, System.IO.Compression.CompressionMode.Decompress) : stored;
    }

    /// <summary>The whole content. Throws <see cref="CostException"/> when it is larger than <see cref="PositionedJson.FileBytesMax"/>.</summary>
    public async Task<byte[]> ReadAllAsync(CancellationToken ct)
    {
        await using Stream stream = await OpenTextAsync(ct);
        using var all = new MemoryStream();
        byte[] piece = new byte[64 * 1024];
        while (await stream.ReadAsync(piece, ct) is > 0 and var read)
        {
            if (all.Length + read > PositionedJson.FileBytesMax) throw new CostException($"{Name}: is larger than {PositionedJson.FileBytesMax >> 20} MiB; ask for fewer days at a time");
            all.Write(piece, 0, read);
        }

        return all.ToArray();
    }
}
