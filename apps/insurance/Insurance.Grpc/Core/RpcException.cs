namespace Grpc.Core;

/// <summary>A call that did not end in OK: thrown by handlers to choose the status, and by clients that received it.</summary>
public sealed class RpcException : Exception
{
    public RpcException(Status status)
        : this(status, [])
    {
    }

    public RpcException(Status status, Metadata trailers)
        : base(status.ToString())
    {
        Status = status;
        Trailers = trailers;
    }

    public RpcException(Status status, Exception cause)
        : base(status.ToString(), cause)
    {
        Status = status;
        Trailers = [];
    }

    public Status Status { get; }

    public StatusCode StatusCode => Status.StatusCode;

    public Metadata Trailers { get; }
}
