// What a file of a multi-line source has open, for stdout and stderr apart.
namespace LokiGateway.Shipper.Frame;

/// <summary>Lane only.</summary>
internal sealed class MultiLineFile
{
    private readonly MultiLineBlock _stdout = new();
    private readonly MultiLineBlock _stderr = new();

    public bool IsOpen => _stdout.IsOpen || _stderr.IsOpen;

    public MultiLineBlock this[LineStream stream] => stream == LineStream.Stdout ? _stdout : _stderr;

    public void Touch(long now)
    {
        _stdout.Touch(now);
        _stderr.Touch(now);
    }

    public void Release()
    {
        _stdout.Release();
        _stderr.Release();
    }
}
