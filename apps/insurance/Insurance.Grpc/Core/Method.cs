using System.Buffers;
using Google.Protobuf;

namespace Grpc.Core;

public enum MethodType
{
    Unary,
    ServerStreaming,
    DuplexStreaming,
}

/// <summary>A message type on the wire.</summary>
public sealed class Marshaller<T>(MessageParser<T> parser)
    where T : class, IMessage<T>
{
    internal T Read(ReadOnlySequence<byte> bytes) => parser.ParseFrom(bytes);
}

/// <summary>A method of a service, as generated code describes it.</summary>
public sealed record Method<TRequest, TResponse>(
    MethodType Type,
    string ServiceName,
    string Name,
    Marshaller<TRequest> RequestMarshaller,
    Marshaller<TResponse> ResponseMarshaller)
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    public string FullName { get; } = $"/{ServiceName}/{Name}";
}
