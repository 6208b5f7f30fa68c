namespace LokiGateway.EndToEnd.Tests;

public sealed class SkeletonTests
{
    [Fact]
    public void Skeleton_Runs() => Assert.Equal(4, 2 + 2);
}
