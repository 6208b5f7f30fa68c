// FOCUS 1.2 files as AWS Data Exports writes them: 60 columns in alphabetical order, timestamps with milliseconds, costs with exponents, quoted texts, Tags as JSON.
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace LokiGateway.Operations.Tests.Cost;

internal static class FocusFile
{
    public static readonly string[] Columns =
    [
        "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
        "CapacityReservationId", "CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
        "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType",
        "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost",
        "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
        "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory",
        "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags", "x_Discounts",
        "x_Operation", "x_ServiceCode",
    ];

    public static string Header => string.Join(',', Columns);

    public static string Write(params IEnumerable<FocusRow> rows) => Header + "\n" + string.Concat(rows.Select(static row => Line(row) + "\n"));

    public static string Line(FocusRow row) => string.Join(',', Columns.Select(column => Quote(Field(row, column))));

    public static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    public static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Number of a line's column, from 1, in characters: where a message must point to.</summary>
    public static int ColumnOf(FocusRow row, string column)
    {
        int at = 1;
        foreach (string name in Columns)
        {
            if (name == column) return at;
            at += Quote(Field(row, name)).Length + 1;
        }

        throw new ArgumentException($"there is no column {column}", nameof(column));
    }

    private static string Field(FocusRow row, string column)
    {
        var month = new DateTime(row.Start.Year, row.Start.Month, 1, 0, 0, 0, DateTimeKind.Utc);
        return row.With.TryGetValue(column, out string? given) ? given : column switch
        {
            "BilledCost" => row.Billed ?? row.Cost,
            "EffectiveCost" or "ContractedCost" or "ListCost" => row.Cost,
            "BillingAccountId" => "111122223333",
            "BillingAccountName" or "InvoiceIssuerName" => "Acme, \"Logs\" GmbH",
            "BillingCurrency" or "PricingCurrency" => "USD",
            "BillingPeriodStart" => Time(month),
            "BillingPeriodEnd" => Time(month.AddMonths(1)),
            "ChargeCategory" => row.Category,
            "ChargeDescription" => "$0.0245 per GB - first 50 TB / month of storage used",
            "ChargeFrequency" => "Usage-Based",
            "ChargePeriodStart" => Time(row.Start),
            "ChargePeriodEnd" => Time(row.End ?? row.Start.AddDays(1)),
            "ConsumedQuantity" or "PricingQuantity" => "1.5E-4",
            "ConsumedUnit" or "PricingUnit" => "GB-Mo",
            "ProviderName" or "PublisherName" => "AWS",
            "RegionId" => "eu-central-1",
            "ResourceId" => row.ResourceId,
            "ServiceCategory" => row.ServiceCategory,
            "ServiceName" => row.Service,
            "SubAccountId" => row.Account,
            "Tags" => JsonSerializer.Serialize(row.Tags),
            "x_Discounts" => "{}",
            "x_ServiceCode" => "AmazonS3",
            _ => "",
        };
    }

    // As the real files: empty texts and texts with separators in quotes.
    private static string Quote(string field) =>
        field.Length == 0 ? "\"\"" : field.AsSpan().IndexOfAny("\",\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
