// The books of a run: what was read, what Loki acknowledged, what is really in the store. They close when the three are one number.

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LokiGateway.Shipper;

namespace LokiGateway.Quickstart;

internal sealed record Books(ShipperTotals Totals, long StoredLines, TimeSpan Duration)
{
    public bool Close => Totals.ReadLines == Totals.AckedLines && Totals.AckedLines == StoredLines && Totals.LostLines == 0;

    /// <summary>Stored lines by lines that there were; 1 when there were none.</summary>
    public double Completeness
    {
        get
        {
            long expected = Totals.ReadLines + Totals.LostLines;
            return expected == 0 ? 1 : (double)StoredLines / expected;
        }
    }

    /// <summary>The one line of --once.</summary>
    public string ToJson()
    {
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            json.WriteNumber("lines_read", Totals.ReadLines);
            json.WriteNumber("lines_acked", Totals.AckedLines);
            json.WriteNumber("lines_rejected", Totals.RejectedLines);
            json.WriteNumber("lines_lost", Totals.LostLines);
            json.WriteNumber("lines_stored", StoredLines);
            json.WriteNumber("bytes_read", Totals.ReadBytes);
            json.WriteNumber("seconds", Math.Round(Duration.TotalSeconds, 3));
            json.WriteNumber("completeness", Math.Round(Completeness, 6));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>One sentence for a person.</summary>
    public string ToText()
    {
        string lines = string.Create(CultureInfo.InvariantCulture,
            $"{Totals.ReadLines:N0} lines read, {Totals.AckedLines:N0} acknowledged, {StoredLines:N0} stored");
        if (Close) return $"the books close: {lines}";
        List<string> why = [];
        if (Totals.InFlightLines > 0) why.Add(string.Create(CultureInfo.InvariantCulture, $"{Totals.InFlightLines:N0} are not acknowledged yet"));
        if (Totals.RejectedLines > 0) why.Add(string.Create(CultureInfo.InvariantCulture, $"{Totals.RejectedLines:N0} were rejected"));
        if (Totals.LostLines > 0) why.Add(string.Create(CultureInfo.InvariantCulture, $"{Totals.LostLines:N0} were lost before they could be read"));
        if (StoredLines < Totals.AckedLines)
        {
            why.Add(string.Create(CultureInfo.InvariantCulture,
                $"{Totals.AckedLines - StoredLines:N0} were equal in time and text to another line of their stream, of which Loki keeps one"));
        }
        if (StoredLines > Totals.AckedLines) why.Add("a push was stored whose answer was lost");
        return $"the books do not close: {lines}; {string.Join(", ", why)}";
    }
}
