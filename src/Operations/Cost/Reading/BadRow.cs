namespace LokiGateway.Operations.Cost.Reading;

/// <summary>A row that could not be read: its amount is in no sum.</summary>
/// <param name="File">As the user named its place.</param>
/// <param name="Line">From 1, as editors count.</param>
/// <param name="Column">From 1, of the field that is at fault.</param>
/// <param name="Message">What is wrong with it.</param>
internal sealed record BadRow(string File, long Line, long Column, string Message)
{
    public override string ToString() => $"{File}:{Line}:{Column}: {Message}";
}
