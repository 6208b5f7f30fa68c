namespace LokiGateway.Hosting; internal static class Placeholder { }
