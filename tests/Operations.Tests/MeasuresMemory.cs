// Tests that look at what the whole process holds: they run while no other test does.
namespace LokiGateway.Operations.Tests;

[CollectionDefinition(nameof(MeasuresMemory), DisableParallelization = true)]
public sealed class MeasuresMemory;
