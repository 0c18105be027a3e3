using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;

namespace Insurance.Grpc.Wire;

/// <summary>Reads the messages of one direction of one call.</summary>
/// <remarks>
/// Holds at most one message, of at most <c>maxSize</c> bytes before and after decompression. The failures it throws follow
/// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md; after one of them the direction cannot be read on.
/// </remarks>
internal sealed class MessageReader(PipeReader pipe, int maxSize, bool gzip)
{
    /// <summary>The next message; null at the end.</summary>
    public async ValueTask<T?> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        while (true)
        {
            var result = await pipe.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            if (FramePrefix.TryRead(buffer, out var prefix))
            {
                Check(prefix);
                if (buffer.Length - FramePrefix.Size >= prefix.Length)
                {
                    var payload = buffer.Slice(FramePrefix.Size, prefix.Length);
                    var message = Decode(marshaller, payload, prefix.Flag == FramePrefix.Compressed);
                    pipe.AdvanceTo(payload.End);
                    return message;
                }
            }

            if (result.IsCompleted)
            {
                var end = buffer.IsEmpty;
                pipe.AdvanceTo(buffer.End);
                return end ? null : throw Error(StatusCode.Internal, "The stream ended in the middle of a message.");
            }

            // Everything was looked at: the transport grants the peer more window only for what was.
            pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private void Check(FramePrefix prefix)
    {
        if (prefix.Flag > FramePrefix.Compressed)
            throw Error(StatusCode.Internal, $"A message begins with flag {prefix.Flag}; only 0 and 1 exist.");
        if (prefix.Flag == FramePrefix.Compressed && !gzip)
            throw Error(StatusCode.Internal, "A message is compressed, but grpc-encoding names no compression.");
        if (prefix.Length > (uint)maxSize)
            throw TooLarge($"{prefix.Length} bytes");
    }

    private T Decode<T>(Marshaller<T> marshaller, ReadOnlySequence<byte> payload, bool compressed)
        where T : class, IMessage<T>
    {
        try
        {
            return marshaller.Read(compressed ? Decompress(payload) : payload);
        }
        catch (InvalidProtocolBufferException)
        {
            throw Error(StatusCode.Internal, "A message could not be parsed.");
        }
        catch (InvalidDataException)
        {
            throw Error(StatusCode.Internal, "A message could not be decompressed.");
        }
    }

    // A few kilobytes can inflate to gigabytes, so the limit is held while they do, not afterwards.
    private ReadOnlySequence<byte> Decompress(ReadOnlySequence<byte> payload)
    {
        using var source = new MemoryStream(payload.ToArray(), writable: false);
        using var decompressor = new GZipStream(source, CompressionMode.Decompress);
        var output = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = decompressor.Read(output.GetSpan(sizeHint: 1024));
            if (read == 0)
                break;
            output.Advance(read);
            if (output.WrittenCount > maxSize)
                throw TooLarge("more after decompression");
        }

        // GZipStream takes a cut stream for a short one. Its last four bytes are the length it should have (RFC 1952, 2.3.1).
        // Nothing at all is what .NET makes of no bytes, so peers do send that.
        if (!payload.IsEmpty && LittleEndian(payload.Slice(Math.Max(0, payload.Length - sizeof(uint)))) != (uint)output.WrittenCount)
            throw new InvalidDataException();
        return new ReadOnlySequence<byte>(output.WrittenMemory);
    }

    private static uint LittleEndian(ReadOnlySequence<byte> four)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        four.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    private RpcException TooLarge(string size) =>
        Error(StatusCode.ResourceExhausted, $"A message may have {maxSize} bytes; this one has {size}.");

    private static RpcException Error(StatusCode code, string detail) => new(new Status(code, detail));
}
