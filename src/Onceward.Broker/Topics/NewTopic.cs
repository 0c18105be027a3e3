using Onceward.Broker.Protocol;

namespace Onceward.Broker.Topics;

/// <summary>A topic as it is asked for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">-1: the broker's default.</param>
/// <param name="ReplicationFactor">-1: the broker's default.</param>
/// <param name="Settings">Overrides by name.</param>
/// <param name="Assignment">Replicas by partition, where the client gave them; then the two numbers must be -1.</param>
internal sealed record NewTopic(
    string Name, int Partitions, short ReplicationFactor, IReadOnlyDictionary<string, string> Settings, IReadOnlyDictionary<int, IReadOnlyList<int>>? Assignment = null)
{
    /// <summary>With nothing but defaults.</summary>
    public static NewTopic Named(string name) => new(name, -1, -1, new Dictionary<string, string>());
}

/// <summary>What became of a change to the topics.</summary>
internal readonly record struct TopicResult(ErrorCode Error, string? Message = null, Topic? Topic = null);
