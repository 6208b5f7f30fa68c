namespace LokiGateway.Shipper;

internal static class Program
{
    private static int Main() => 0;
}
