using System.Buffers;
using System.Net;
using Google.Protobuf;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Client;

/// <summary>A request body of one message.</summary>
internal sealed class SingleMessageContent : HttpContent
{
    private readonly ArrayBufferWriter<byte> _frame;

    public SingleMessageContent(IMessage message, bool gzip)
    {
        _frame = new ArrayBufferWriter<byte>(FramePrefix.Size + message.CalculateSize());
        MessageWriter.Write(_frame, message, gzip);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        stream.WriteAsync(_frame.WrittenMemory, cancellationToken).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        // gRPC peers go by the frames; a content-length would only be one more thing to disagree about.
        length = 0;
        return false;
    }
}
