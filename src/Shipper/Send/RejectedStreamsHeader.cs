// The gateway's list of streams that it took out of a push because of the tenant's stream limit: docs/formats/rejected-streams.md.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace LokiGateway.Shipper.Send;

/// <summary>The header's value, read.</summary>
/// <param name="Labels">Label texts of the refused streams, as they were sent.</param>
/// <param name="Unnamed">Further refused streams that did not fit into the header.</param>
internal sealed record RejectedStreamsHeader(IReadOnlyList<string> Labels, int Unnamed)
{
    public const string Name = "X-Loki-Gateway-Rejected-Streams";

    // label *("," label) ["," "+" 1*DIGIT] / "+" 1*DIGIT;  label = 1*(%x21-7E without "%" "," "+" / "%" HEX HEX)
    public static bool TryParse(string? value, [NotNullWhen(true)] out RejectedStreamsHeader? header)
    {
        header = null;
        if (string.IsNullOrEmpty(value)) return false;
        List<string> labels = [];
        int unnamed = 0;
        // A gateway whose first label text was too long for the header leaves an empty place before the number.
        string[] items = value.Split(',');
        for (int i = 0; i < items.Length; i++)
        {
            string item = items[i];
            bool isLast = i == items.Length - 1;
            if (item.StartsWith('+'))
            {
                if (!isLast || !int.TryParse(item.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out unnamed)) return false;
            }
            else if (item.Length == 0)
            {
                if (isLast || i > 0) return false;
            }
            else if (TryUnescape(item, out string? label)) labels.Add(label);
            else return false;
        }
        if (labels.Count == 0 && unnamed == 0) return false;
        header = new RejectedStreamsHeader(labels, unnamed);
        return true;
    }

    private static bool TryUnescape(string item, [NotNullWhen(true)] out string? label)
    {
        label = null;
        byte[] bytes = new byte[item.Length];
        int length = 0;
        for (int i = 0; i < item.Length; i++)
        {
            char c = item[i];
            if (c is <= ' ' or >= '\x7F') return false;
            if (c != '%')
            {
                bytes[length++] = (byte)c;
                continue;
            }
            if (i + 2 >= item.Length || !byte.TryParse(item.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte b)) return false;
            bytes[length++] = b;
            i += 2;
        }
        label = Encoding.UTF8.GetString(bytes, 0, length);
        return true;
    }
}
