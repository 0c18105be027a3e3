namespace Onceward.Bench.Contenders;

/// <summary>One way from the topic into the table.</summary>
internal interface IContender
{
    string Name { get; }

    /// <summary>For the table of results.</summary>
    string Description { get; }

    /// <summary>Creates what the contender keeps beside the effects.</summary>
    string Setup(int partitions);

    /// <summary>How many records are committed, from the offset rows: cheap enough to ask all the time.</summary>
    string Progress { get; }

    /// <summary>Applies records until told to stop. Returns normally on <paramref name="stopping"/> only.</summary>
    Task RunAsync(BenchTopic topic, string connectionString, CancellationToken stopping);
}
