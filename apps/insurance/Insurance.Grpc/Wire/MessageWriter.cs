using System.Buffers;
using System.IO.Compression;
using Google.Protobuf;

namespace Insurance.Grpc.Wire;

/// <summary>Writes a message with its prefix.</summary>
internal static class MessageWriter
{
    public static void Write(IBufferWriter<byte> output, IMessage message, bool gzip)
    {
        var size = message.CalculateSize();
        if (gzip && size > 0)
        {
            WriteCompressed(output, message);
            return;
        }

        new FramePrefix(FramePrefix.Plain, (uint)size).Write(output);
        message.WriteTo(output);
    }

    private static void WriteCompressed(IBufferWriter<byte> output, IMessage message)
    {
        // The length comes first, so the compressed bytes have to be whole before the first of them leaves.
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            message.WriteTo(gzip);
        new FramePrefix(FramePrefix.Compressed, (uint)compressed.Length).Write(output);
        output.Write(compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
    }
}
