namespace LokiGateway.Protocol; internal static class Placeholder { }
