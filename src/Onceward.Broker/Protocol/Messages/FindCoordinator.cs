namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 1 adds the kind of key, 3 is flexible, 4 asks for many keys at once.</summary>
internal sealed record FindCoordinatorRequest(sbyte KeyType, List<string> Keys) : IRequest<FindCoordinatorRequest>
{
    public const sbyte Group = 0;
    public const sbyte Transaction = 1;

    public static FindCoordinatorRequest Read(ref WireReader reader)
    {
        string? only = reader.Version < 4 ? reader.String() : null;
        var type = reader.Version >= 1 ? reader.Int8() : Group;
        var keys = only is null ? reader.StringArray() : [only];
        reader.Tags();
        return new(type, keys);
    }
}

/// <summary>Version 1 adds throttle time and message, 3 is flexible, 4 answers many keys.</summary>
internal sealed record FindCoordinatorResponse(List<FoundCoordinator> Coordinators) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        if (writer.Version >= 4)
            writer.Array(Coordinators, static (writer, coordinator) => coordinator.Write(writer));
        else
            Coordinators[0].WriteAlone(writer);
        writer.Tags();
    }
}

internal sealed record FoundCoordinator(string Key, int NodeId, string Host, int Port, ErrorCode Error = ErrorCode.None, string? Message = null)
{
    public void Write(WireWriter writer)
    {
        writer.String(Key);
        writer.Int32(NodeId);
        writer.String(Host);
        writer.Int32(Port);
        writer.Error(Error);
        writer.String(Message);
        writer.Tags();
    }

    public void WriteAlone(WireWriter writer)
    {
        writer.Error(Error);
        if (writer.Version >= 1)
            writer.String(Message);
        writer.Int32(NodeId);
        writer.String(Host);
        writer.Int32(Port);
    }
}
