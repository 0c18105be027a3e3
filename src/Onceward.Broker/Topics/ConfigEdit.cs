using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Topics;

/// <summary>What a request makes of a resource's overrides.</summary>
internal static class ConfigEdit
{
    /// <summary>All changes or none.</summary>
    /// <param name="table">The settings that the resource has.</param>
    /// <param name="current">Its overrides now.</param>
    /// <param name="changes">In the order of the request.</param>
    /// <param name="replaceAll">What is not named loses its override.</param>
    /// <param name="next">Its overrides then.</param>
    /// <returns>Null: fine.</returns>
    public static TopicResult? Apply(
        ConfigTable table, IReadOnlyDictionary<string, string> current, List<ConfigChange> changes, bool replaceAll, out SortedDictionary<string, string> next)
    {
        next = replaceAll ? new(StringComparer.Ordinal) : new(current.ToDictionary(), StringComparer.Ordinal);
        if (changes.DistinctBy(change => change.Name).Count() != changes.Count)
            return new(ErrorCode.InvalidRequest, "Error due to duplicate config keys");
        foreach (var change in changes)
        {
            if (Apply(table, change, next) is { } refused)
                return refused;
        }
        return null;
    }

    private static TopicResult? Apply(ConfigTable table, ConfigChange change, SortedDictionary<string, string> next)
    {
        if (table.Find(change.Name) is not { } key)
            return new(ErrorCode.InvalidConfig, $"Unknown config name: {change.Name}");
        if (key.ReadOnly)
            return new(ErrorCode.InvalidRequest, $"Cannot update these configs dynamically: {change.Name}");
        if (change.Operation == ConfigOperation.Delete)
        {
            next.Remove(change.Name);
            return null;
        }
        if (change.Value is null)
            return new(ErrorCode.InvalidRequest, $"Null value not supported for : {change.Name}");
        if (change.Operation is ConfigOperation.Append or ConfigOperation.Subtract && key.Kind != ConfigKind.List)
            return new(ErrorCode.InvalidConfig, $"Config value {change.Operation.ToString().ToLowerInvariant()} is not allowed for config key: {change.Name}");
        var words = ConfigKey.Words(next.GetValueOrDefault(change.Name) ?? key.Default ?? "");
        var value = change.Operation switch
        {
            ConfigOperation.Set => change.Value,
            ConfigOperation.Append => string.Join(',', words.Union(ConfigKey.Words(change.Value))),
            ConfigOperation.Subtract => string.Join(',', words.Except(ConfigKey.Words(change.Value))),
            _ => null,
        };
        if (value is null)
            return new(ErrorCode.InvalidRequest, $"Unknown operation {(sbyte)change.Operation} on {change.Name}");
        if (key.Refuse(value) is { } problem)
            return new(ErrorCode.InvalidConfig, problem);
        next[change.Name] = value;
        return null;
    }
}
