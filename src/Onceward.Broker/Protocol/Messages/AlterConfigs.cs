namespace Onceward.Broker.Protocol.Messages;

/// <summary>Replaces all settings of each resource.</summary>
internal sealed record AlterConfigsRequest(List<AlterableResource> Resources, bool ValidateOnly) : IRequest<AlterConfigsRequest>
{
    public static AlterConfigsRequest Read(ref WireReader reader)
    {
        var request = new AlterConfigsRequest(
            reader.Array(static (ref WireReader reader) => AlterableResource.Read(ref reader, withOperation: false)), reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <summary>Changes some settings of each resource.</summary>
internal sealed record IncrementalAlterConfigsRequest(List<AlterableResource> Resources, bool ValidateOnly) : IRequest<IncrementalAlterConfigsRequest>
{
    public static IncrementalAlterConfigsRequest Read(ref WireReader reader)
    {
        var request = new IncrementalAlterConfigsRequest(
            reader.Array(static (ref WireReader reader) => AlterableResource.Read(ref reader, withOperation: true)), reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <summary>What happens to one setting. The last two are for lists.</summary>
internal enum ConfigOperation : sbyte
{
    Set = 0,
    Delete = 1,
    Append = 2,
    Subtract = 3,
}

internal sealed record ConfigChange(string Name, ConfigOperation Operation, string? Value);

internal sealed record AlterableResource(ResourceType Type, string Name, List<ConfigChange> Changes)
{
    public static AlterableResource Read(ref WireReader reader, bool withOperation)
    {
        var resource = new AlterableResource((ResourceType)reader.Int8(), reader.String(), reader.Array<ConfigChange>(withOperation ? ReadChange : ReadSetting));
        reader.Tags();
        return resource;
    }

    private static ConfigChange ReadChange(ref WireReader reader)
    {
        var change = new ConfigChange(reader.String(), (ConfigOperation)reader.Int8(), reader.NullableString());
        reader.Tags();
        return change;
    }

    private static ConfigChange ReadSetting(ref WireReader reader)
    {
        var change = new ConfigChange(reader.String(), ConfigOperation.Set, reader.NullableString());
        reader.Tags();
        return change;
    }
}

/// <summary>Of both kinds of change.</summary>
internal sealed record AlterConfigsResponse(List<AlteredResource> Resources) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Resources, static (writer, resource) => resource.Write(writer));
        writer.Tags();
    }
}

internal sealed record AlteredResource(ResourceType Type, string Name, ErrorCode Error, string? Message)
{
    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        writer.String(Message);
        writer.Int8((sbyte)Type);
        writer.String(Name);
        writer.Tags();
    }
}
