// Tests that look at what the whole process allocates: they run while no other test does.
namespace LokiGateway.LocalLoki.Tests;

[CollectionDefinition(nameof(MeasuresMemory), DisableParallelization = true)]
public sealed class MeasuresMemory;
