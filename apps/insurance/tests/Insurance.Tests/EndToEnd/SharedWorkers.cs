namespace Insurance.Tests.EndToEnd;

/// <summary>The tests that need the workers share them: a second set would publish every premium and dead letter a second time.</summary>
[CollectionDefinition(Name)]
public sealed class SharedWorkers : ICollectionFixture<WorkersFixture>
{
    public const string Name = "workers";
}
