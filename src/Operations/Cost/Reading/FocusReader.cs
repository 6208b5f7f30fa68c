// Reads a FOCUS export into the ledger, row by row and without an object a row: a company's bill has millions of them a month. What rules look at (resource, service,
// tags) repeats from day to day, so the decision is looked up by the bytes of these columns, and only made for bytes that were not seen yet.
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost.Reading;

/// <summary>Files of one source, one after the other.</summary>
internal sealed class FocusReader(Ledger ledger, Placements placements, bool billed)
{
    // A decision is kept with the bytes that it was made for; when they are more than this they are all forgotten and made anew.
    private const int KeptBytesMax = 16 << 20;

    // Between the columns of a key; no text of a bill has it.
    private const byte Separator = 0x1F;

    private readonly Dictionary<byte[], Placement> _kept = new(KeyComparer.Instance);
    private long _keptBytes;
    private readonly ArrayBufferWriter<byte> _key = new(4096);

    public async Task ReadAsync(CostFile file, int source, CancellationToken ct)
    {
        try
        {
            await using Stream stream = await file.OpenTextAsync(ct);
            using var csv = new CsvReader(stream);
            await ReadAsync(csv, file, source, ct);
        }
        catch (Exception torn) when (torn is InvalidDataException or IOException)
        {
            throw new CostException($"{file.Name}: cannot be read to its end: {torn.Message}", torn);
        }
    }

    internal async Task ReadAsync(CsvReader csv, CostFile file, int source, CancellationToken ct)
    {
        RowReader? rows = null;
        do
        {
            while (csv.TryRead())
            {
                if (csv.Fault is { } fault)
                {
                    if (rows is null) throw new CostException($"{file.Name}:{fault.Line}:{fault.Column}: {fault.Message}");
                    ledger.Bad.Add(new BadRow(file.Name, fault.Line, fault.Column, fault.Message));
                }
                else if (rows is null)
                {
                    rows = new RowReader(this, FocusColumns.Read(csv, file.Name), file, source);
                }
                else
                {
                    rows.Read(csv);
                }
            }
        }
        while (await csv.FillAsync(ct));
        if (rows is null) throw new CostException($"{file.Name}: is empty: there is not even a header");
    }

    private Placement Place(CsvReader csv, FocusColumns columns, CostFile file, out (int Field, string Message)? trouble)
    {
        trouble = null;
        _key.ResetWrittenCount();
        Append(csv, columns.ServiceName);
        Append(csv, columns.ResourceId);
        Append(csv, columns.ChargeCategory);
        Append(csv, columns.ServiceCategory);
        Append(csv, columns.ResourceName);
        Append(csv, columns.ResourceType);
        Append(csv, columns.RegionId);
        Append(csv, columns.SubAccountId);
        Append(csv, columns.ConsumedUnit);
        Append(csv, columns.SkuMeter);
        Append(csv, columns.Operation);
        Append(csv, columns.UsageType);
        Append(csv, columns.Tags);
        Dictionary<byte[], Placement>.AlternateLookup<ReadOnlySpan<byte>> lookup = _kept.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(_key.WrittenSpan, out Placement? known)) return known;
        if (!TryReadTags(csv[columns.Tags], out Dictionary<string, string>? tags, out string error))
        {
            trouble = (columns.Tags, error);
            return null!;
        }

        Placement placement = placements.Place(new ChargeFacts
        {
            Kind = SourceKind.Focus,
            Source = file.Name,
            Quality = billed ? CostQuality.Billed : CostQuality.Amortized,
            Class = FocusClasses.Of(Text(csv, columns.ServiceName), Text(csv, columns.ServiceCategory), Text(csv, columns.ResourceType), Text(csv, columns.ResourceId),
                Text(csv, columns.ConsumedUnit), $"{Text(csv, columns.UsageType)} {Text(csv, columns.SkuMeter)} {Text(csv, columns.Operation)}"),
            Service = Text(csv, columns.ServiceName),
            ResourceId = Text(csv, columns.ResourceId),
            ResourceName = Text(csv, columns.ResourceName),
            Region = Text(csv, columns.RegionId),
            Account = Text(csv, columns.SubAccountId),
            ChargeCategory = Text(csv, columns.ChargeCategory),
            Tags = tags,
        });
        if (_keptBytes > KeptBytesMax)
        {
            _kept.Clear();
            _keptBytes = 0;
        }

        _keptBytes += _key.WrittenCount;
        lookup[_key.WrittenSpan] = placement;
        return placement;
    }

    /// <summary>A new source file may match other rules: what was decided for the one before does not hold.</summary>
    private void Forget()
    {
        _kept.Clear();
        _keptBytes = 0;
    }

    private void Append(CsvReader csv, int column)
    {
        if (column >= 0) _key.Write(csv[column]);
        _key.GetSpan(1)[0] = Separator;
        _key.Advance(1);
    }

    private static string Text(CsvReader csv, int column) => column < 0 ? "" : Encoding.UTF8.GetString(csv[column]);

    /// <summary>A JSON object of texts; empty, <c>null</c> and <c>{}</c> are no tags.</summary>
    internal static bool TryReadTags(ReadOnlySpan<byte> json, [NotNullWhen(true)] out Dictionary<string, string>? tags, out string error)
    {
        tags = new Dictionary<string, string>(StringComparer.Ordinal);
        error = "";
        json = json.Trim(" \t\r\n"u8);
        if (json.IsEmpty || json.SequenceEqual("null"u8)) return true;
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = TagName.Normalize(reader.GetString()!);
                reader.Read();
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                {
                    reader.Skip();
                    continue;
                }

                // The first of two spellings of a tag wins, as it is in the file.
                tags.TryAdd(name, reader.TokenType == JsonTokenType.String ? reader.GetString()! : Encoding.UTF8.GetString(reader.ValueSpan));
            }

            reader.Read();
            return true;
        }
        catch (JsonException)
        {
            string shown = Encoding.UTF8.GetString(json[..Math.Min(json.Length, 60)]);
            (tags, error) = (null, $"Tags is not a JSON object: {shown}{(json.Length > 60 ? "…" : "")}");
            return false;
        }
        catch (InvalidOperationException)
        {
            (tags, error) = (null, "Tags is not UTF-8 text");
            return false;
        }
    }

    /// <summary>The rows of one file. Timestamps and currencies repeat in runs: the bytes of the row before are compared first.</summary>
    private sealed class RowReader
    {
        private readonly FocusReader _reader;
        private readonly FocusColumns _columns;
        private readonly CostFile _file;
        private readonly int _source;
        private readonly byte[] _currency;
        private readonly int _amountColumn, _currencyColumn, _startColumn, _endColumn;
        private byte[] _start = new byte[32], _end = new byte[32];
        private int _startLength, _endLength;
        private DateOnly _first, _last;

        public RowReader(FocusReader reader, FocusColumns columns, CostFile file, int source)
        {
            (_reader, _columns, _file, _source) = (reader, columns, file, source);
            _currency = Encoding.UTF8.GetBytes(reader.Currency);
            _amountColumn = reader.Billed ? columns.BilledCost : columns.EffectiveCost;
            (_currencyColumn, _startColumn, _endColumn) = (columns.BillingCurrency, columns.ChargePeriodStart, columns.ChargePeriodEnd);
            reader.Forget();
        }

        public void Read(CsvReader csv)
        {
            if (csv.FieldCount != _columns.Count)
            {
                _reader.Bad(new BadRow(_file.Name, csv.Line, 1, $"the row has {csv.FieldCount} fields, the header {_columns.Count}"));
                return;
            }

            if (!csv[_currencyColumn].SequenceEqual(_currency)) RefuseCurrency(csv);
            if (!Money.TryParse(csv[_amountColumn], out decimal amount))
            {
                Bad(csv, _amountColumn, $"{(_reader.Billed ? "BilledCost" : "EffectiveCost")} is not an amount: \"{Shown(csv[_amountColumn])}\"");
                return;
            }

            if (!ReadPeriod(csv)) return;
            Placement placement = _reader.Place(csv, _columns, _file, out (int Field, string Message)? trouble);
            if (trouble is { } found) Bad(csv, found.Field, found.Message);
            else if (!_reader.Add(_source, placement, _first, _last, amount)) Bad(csv, _endColumn, $"the charge period is longer than a charge's: \"{Shown(csv[_endColumn])}\"");
        }

        private bool ReadPeriod(CsvReader csv)
        {
            ReadOnlySpan<byte> start = csv[_startColumn];
            ReadOnlySpan<byte> end = csv[_endColumn];
            if (start.SequenceEqual(_start.AsSpan(0, _startLength)) && end.SequenceEqual(_end.AsSpan(0, _endLength)) && _startLength > 0) return true;
            if (!Timestamps.TryParse(start, out DateOnly first, out TimeSpan from))
            {
                Bad(csv, _startColumn, $"ChargePeriodStart is not a time such as 2026-09-01T00:00:00Z: \"{Shown(start)}\"");
                return false;
            }

            if (!Timestamps.TryParse(end, out DateOnly after, out TimeSpan to))
            {
                Bad(csv, _endColumn, $"ChargePeriodEnd is not a time such as 2026-09-02T00:00:00Z: \"{Shown(end)}\"");
                return false;
            }

            if (after < first || (after == first && to <= from))
            {
                Bad(csv, _endColumn, $"ChargePeriodEnd {Shown(end)} is not after ChargePeriodStart {Shown(csv[_startColumn])}");
                return false;
            }

            // The end is exclusive.
            (_first, _last) = (first, to == TimeSpan.Zero ? after.AddDays(-1) : after);
            (_startLength, _endLength) = (Keep(start, ref _start), Keep(end, ref _end));
            return true;
        }

        private static int Keep(ReadOnlySpan<byte> text, ref byte[] into)
        {
            if (into.Length < text.Length) into = new byte[text.Length];
            text.CopyTo(into);
            return text.Length;
        }

        private void Bad(CsvReader csv, int field, string message)
        {
            (long line, long column) = csv.PositionOf(field);
            _reader.Bad(new BadRow(_file.Name, line, column, message));
        }

        private void RefuseCurrency(CsvReader csv)
        {
            (long line, long column) = csv.PositionOf(_currencyColumn);
            throw new CostException(
                $"{_file.Name}:{line}:{column}: BillingCurrency is \"{Shown(csv[_currencyColumn])}\", the report is in {_reader.Currency} (currency in the rules): amounts of two currencies are never added");
        }

        private static string Shown(ReadOnlySpan<byte> field) => Encoding.UTF8.GetString(field[..Math.Min(field.Length, 60)]);
    }

    private string Currency => placements.Rules.Currency;

    private bool Billed => billed;

    private void Bad(BadRow row) => ledger.Bad.Add(row);

    private bool Add(int source, Placement placement, DateOnly first, DateOnly last, decimal amount) => ledger.Add(source, placement, first, last, amount);

    private sealed class KeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => XxHash3.HashToUInt64(alternate).GetHashCode();

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
