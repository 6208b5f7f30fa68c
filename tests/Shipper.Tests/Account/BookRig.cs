// The life of batches without files and endpoint: lines are framed, sealed and decided, and the books are asked in between.
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Account;

internal sealed class BookRig
{
    private const int BatchBytes = 2048;

    private readonly BatchBuffers _buffers = new(1 << 20, BatchSealer.BufferBytesMax(BatchBytes, 256));
    private readonly TenantAccount.Contents _contents;
    private readonly BatchSealer _sealer;
    private readonly List<KeptOutPart> _keptOut = [];
    private readonly Dictionary<string, SourceFile> _files = [];

    public BookRig(TenantAccount account)
    {
        Account = account;
        _contents = account.AddLane();
        _sealer = new BatchSealer(_buffers, BatchBytes, 256);
        Builder = new BatchBuilder(_buffers, BatchBytes);
    }

    /// <summary>A file, its stream, and how far it is.</summary>
    internal sealed class SourceFile(string name)
    {
        public TailedFile File { get; } = NewFile(name);

        public BatchStream Stream { get; } = new(LabelSet.Of([new("app", name)]));

        public string Labels { get; } = LabelSet.Of([new("app", name)]).Text;

        public SourceBook? Book { get; set; }

        public long Entries { get; set; }
    }

    public TenantAccount Account { get; }

    public BatchBuilder Builder { get; }

    public SealedBatch? Sent { get; private set; }

    public SourceFile Of(string source)
    {
        if (!_files.TryGetValue(source, out SourceFile? file)) _files.Add(source, file = new SourceFile(source));
        return file;
    }

    /// <summary>
    /// Frames lines, the i-th at this time plus i steps; returns how many had room. Of so many lines the last is kept out; 0: none is.
    /// </summary>
    public int Frame(string source, int lines, long unixNanos = 0, long step = 1, int keepOutOf = 0)
    {
        SourceFile file = Of(source);
        int framed = 0;
        for (; framed < lines; framed++)
        {
            long time = unixNanos + framed * step;
            if (keepOutOf > 0 && framed % keepOutOf == keepOutOf - 1) Builder.KeepOut(time, "too_old");
            else if (!Builder.TryAdd(file.Stream, time, "line"u8, default)) break;
        }
        if (framed == 0) return 0;
        file.Book ??= Account.OpenFile(source);
        var origin = new PartOrigin(file.Book, file.File, file.File.Identity, 0, file.Entries, file.Entries * 10, (file.Entries + framed) * 10);
        file.Entries += framed;
        _keptOut.Clear();
        Account.Framed(_contents, file.Book, framed, Builder.EndPart(origin, _keptOut), unixNanos + framed * step, Builder, _keptOut);
        return framed;
    }

    public bool Seal()
    {
        if (Sent is not null || Builder.Lines == 0) return false;
        Sent = _sealer.Seal(Builder, 1);
        Account.Sealed(_contents, Builder, Sent);
        return true;
    }

    public BatchRejections? Decide(params RejectedLines[] rejected)
    {
        SealedBatch batch = Sent!;
        BatchRejections? shares = rejected.Length == 0 ? null
            : BatchRejections.Attribute(batch.Parts, rejected, (part, labels) => _files[((SourceBook)part.Origin.Source).Name].Labels == labels);
        Account.Decided(_contents, batch.Lines - rejected.Sum(static one => one.Lines), rejected, batch.Parts, shares);
        _buffers.Return(batch.Buffer);
        Sent = null;
        return shares;
    }

    /// <summary>The source's last file is done with. Only when nothing of it is in a batch.</summary>
    public void Close(string source)
    {
        if (!_files.Remove(source, out SourceFile? file) || file.Book is null) return;
        Account.CloseFile(file.Book);
    }

    public static TailedFile NewFile(string path, ulong inode = 1)
    {
        Assert.True(LogSource.TryCreate(0, ["/**"], [], false, out LogSource? source, out string? error), error);
        return new TailedFile(new FileIdentity(1, inode, 0xABCD, 256), new Name(path), source, 0, null, new FilePosition(0, 0, default), new PositionChanges());
    }

    private sealed class Name(string path) : LogName
    {
        public override string Path => path;
    }
}
