// A crash must not take from the ledger what Loki has acknowledged and the ledger stream has not said yet: those records lie here, saved with every
// checkpoint and before it, and are sent after the next start. Format: docs/formats/ledger.md.
using System.Text;
using LokiGateway.Protocol.Completeness;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Account;

/// <summary>One thread at a time. Whatever the disk does, shipping goes on.</summary>
internal sealed class LedgerFile(string stateDirectory, Ledger ledger, ILogger log)
{
    public const string Name = "ledger.pending";

    /// <summary>All records of all tenants are far below it; a larger file is not ours.</summary>
    private const long BytesMax = 256L << 20;

    private static readonly byte[] Header = "loki-shipper ledger.pending 1\n"u8.ToArray();

    private readonly string _path = Path.Combine(stateDirectory, Name);
    private readonly List<LedgerRecord> _records = [];
    private long _savedChanges;
    private bool _failing;

    /// <summary>Gives back to the ledger what the last run left. A line that cannot be used is said and passed over.</summary>
    public void Load()
    {
        try
        {
            var file = new FileInfo(_path);
            if (!file.Exists) return;
            if (file.Length > BytesMax) throw new InvalidDataException($"it is larger than {BytesMax} bytes");
            using FileStream stream = file.OpenRead();
            using var reader = new StreamReader(stream, Encoding.UTF8);
            if (reader.ReadLine() is not { } first || first + "\n" != Encoding.UTF8.GetString(Header)) throw new InvalidDataException("it does not begin as one");
            int number = 1, restored = 0;
            while (reader.ReadLine() is { } line)
            {
                number++;
                int tab = line.IndexOf('\t', StringComparison.Ordinal);
                string error = "there is no tab in it";
                if (tab >= 0 && LedgerRecord.TryParse(Encoding.UTF8.GetBytes(line[(tab + 1)..]), out LedgerRecord? record, out error!))
                {
                    ledger.Restore(line[..tab], record);
                    restored++;
                }
                else Log.LedgerLineUnusable(log, _path, number, error);
            }
            if (restored > 0) Log.LedgerRestored(log, restored);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            Log.LedgerFileUnusable(log, _path, failure.Message);
        }
    }

    /// <summary>
    /// Saves what is not delivered, if it changed. The checkpoint calls it when it has collected the positions and before it makes them valid: what is
    /// in front of a saved position is in the ledger stream or in here.
    /// </summary>
    public void Save()
    {
        long changes = 0;
        foreach (TenantLedger tenant in ledger.Tenants) changes += tenant.Changes;
        if (changes == _savedChanges) return;
        try
        {
            Write(out changes);
            _savedChanges = changes;
            if (_failing) Log.LedgerSavedAgain(log, _path);
            _failing = false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (!_failing) Log.LedgerNotSaved(log, _path, failure.Message);
            _failing = true;
        }
    }

    private void Write(out long changes)
    {
        changes = 0;
        string next = _path + ".new";
        using (var stream = new FileStream(next, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 64 << 10))
        {
            stream.Write(Header);
            foreach (TenantLedger tenant in ledger.Tenants)
            {
                _records.Clear();
                changes += tenant.Copy(_records);
                byte[] prefix = Encoding.UTF8.GetBytes(tenant.Tenant + "\t");
                foreach (LedgerRecord record in _records)
                {
                    stream.Write(prefix);
                    stream.Write(record.ToUtf8());
                    stream.WriteByte((byte)'\n');
                }
            }
            _records.Clear();
            // The rename that follows is ordered before the checkpoint's own sync, so the directory needs none.
            stream.Flush(flushToDisk: true);
        }
        File.Move(next, _path, overwrite: true);
    }
}
