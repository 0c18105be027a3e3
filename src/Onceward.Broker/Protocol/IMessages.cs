namespace Onceward.Broker.Protocol;

/// <summary>A request's body. It is described once for all its versions: <see cref="WireReader.Version"/> gates the fields.</summary>
internal interface IRequest<out TSelf>
    where TSelf : IRequest<TSelf>
{
    static abstract TSelf Read(ref WireReader reader);
}

/// <summary>A response's body. It is described once for all its versions: <see cref="WireWriter.Version"/> gates the fields.</summary>
internal interface IResponse
{
    /// <summary>About how many bytes it takes; a response that is far larger is copied while it grows.</summary>
    int SizeHint => 512;

    void Write(WireWriter writer);
}
