namespace LokiGateway.Operations.Cost;

/// <summary>What a dollar was spent on, as coarse as sources of cost divide the world: each class of a day has exactly one source.</summary>
internal enum ResourceClass
{
    Compute,
    Storage,
    Requests,
    Transfer,
    Other,
}
