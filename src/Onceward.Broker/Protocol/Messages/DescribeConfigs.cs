namespace Onceward.Broker.Protocol.Messages;

/// <summary>What can have settings.</summary>
internal enum ResourceType : sbyte
{
    Topic = 2,
    Broker = 4,
    BrokerLogger = 8,
    ClientMetrics = 16,
    Group = 32,
}

/// <summary>Where a value comes from.</summary>
internal enum ConfigSource : sbyte
{
    DynamicTopic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    DynamicGroup = 8,
}

/// <summary>Version 1 adds synonyms, 3 documentation, 4 is flexible.</summary>
internal sealed record DescribeConfigsRequest(List<DescribableResource> Resources, bool Synonyms, bool Documentation) : IRequest<DescribeConfigsRequest>
{
    public static DescribeConfigsRequest Read(ref WireReader reader)
    {
        var request = new DescribeConfigsRequest(
            reader.Array(DescribableResource.Read), reader.Version >= 1 && reader.Bool(), reader.Version >= 3 && reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <param name="Type">What it is.</param>
/// <param name="Name">Topic, number of a broker, or group.</param>
/// <param name="Keys">Null or empty: all.</param>
internal sealed record DescribableResource(ResourceType Type, string Name, List<string>? Keys)
{
    public static DescribableResource Read(ref WireReader reader)
    {
        var resource = new DescribableResource(
            (ResourceType)reader.Int8(), reader.String(), reader.NullableArray(static (ref WireReader reader) => reader.String()));
        reader.Tags();
        return resource;
    }
}

internal sealed record DescribeConfigsResponse(List<DescribedResource> Resources) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Resources, static (writer, resource) => resource.Write(writer));
        writer.Tags();
    }
}

internal sealed record DescribedResource(ResourceType Type, string Name, ErrorCode Error, string? Message, IReadOnlyList<DescribedConfig> Configs)
{
    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        writer.String(Message);
        writer.Int8((sbyte)Type);
        writer.String(Name);
        writer.Array(Configs, static (writer, config) => config.Write(writer));
        writer.Tags();
    }
}

internal sealed record ConfigSynonym(string Name, string? Value, ConfigSource Source);

internal sealed record DescribedConfig(
    string Name, string? Value, bool ReadOnly, ConfigSource Source, IReadOnlyList<ConfigSynonym> Synonyms, sbyte Kind, string? Documentation)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        writer.String(Value);
        writer.Bool(ReadOnly);
        if (writer.Version == 0)
            writer.Bool(Source is ConfigSource.Default);
        else
            writer.Int8((sbyte)Source);
        writer.Bool(false); // sensitive: no secret is among them
        if (writer.Version >= 1)
            writer.Array(Synonyms, WriteSynonym);
        if (writer.Version >= 3)
        {
            writer.Int8(Kind);
            writer.String(Documentation);
        }
        writer.Tags();
    }

    /// <summary>As in the answer to CreateTopics.</summary>
    public void WriteBrief(WireWriter writer)
    {
        writer.String(Name);
        writer.String(Value);
        writer.Bool(ReadOnly);
        writer.Int8((sbyte)Source);
        writer.Bool(false); // sensitive
        writer.Tags();
    }

    private static void WriteSynonym(WireWriter writer, ConfigSynonym synonym)
    {
        writer.String(synonym.Name);
        writer.String(synonym.Value);
        writer.Int8((sbyte)synonym.Source);
        writer.Tags();
    }
}
