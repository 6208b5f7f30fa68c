namespace LokiGateway.Shipper.Label;

/// <summary>Told what the labels of a file could not be as configured. Any thread; once per file.</summary>
internal interface ILabelObserver
{
    /// <summary>Labels of one file that were left out because a stream may have 15.</summary>
    void LabelsDropped(int labels);

    /// <summary>A file has reduced labels because its source has max_streams label sets.</summary>
    void StreamsOverflowed();

    /// <summary>A file goes to tenant_id because the tenant that its path or label names cannot be used.</summary>
    /// <param name="reason">invalid or too_many.</param>
    void TenantRefused(string reason);
}
