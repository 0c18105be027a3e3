using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Listening;

/// <summary>Cuts what a socket brings into requests: four bytes of length, then that many.</summary>
/// <remarks>
/// One contiguous pooled buffer, so that records can be appended to a log from where they were received. It grows as bytes arrive: a length is
/// only a claim, and never allocated for.
/// </remarks>
internal sealed class FrameReader(Socket socket, int mostBytes) : IDisposable
{
    private const int LengthBytes = 4;
    private const int FirstBytes = 16 * 1024;
    private const int KeptBytes = 4 * 1024 * 1024; // A producer at full speed fills about this much with its five requests in flight.

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int start;
    private int end;

    private int Available => end - start;

    /// <summary>The next request, valid until the next call; null: the peer has closed.</summary>
    /// <exception cref="MalformedRequestException">The length is negative or above the bound.</exception>
    public async ValueTask<Memory<byte>?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var wanted = Wanted();
            if (Available >= wanted)
            {
                var frame = buffer.AsMemory(start + LengthBytes, wanted - LengthBytes);
                start += wanted;
                return frame;
            }
            MakeRoom(wanted);
            var received = await socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, cancellationToken).ConfigureAwait(false);
            if (received == 0)
                return null;
            end += received;
        }
    }

    public void Dispose()
    {
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    /// <summary>Bytes of the request at the front, its length included; more than there are where that is not known yet.</summary>
    private int Wanted()
    {
        if (Available < LengthBytes)
            return LengthBytes;
        var length = BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(start));
        if (length < 0 || length > mostBytes)
            throw new MalformedRequestException($"a request of {length} bytes; at most {mostBytes} are taken");
        return LengthBytes + length;
    }

    private void MakeRoom(int wanted)
    {
        if (Available == 0)
        {
            start = end = 0;
            if (buffer.Length > KeptBytes && wanted <= FirstBytes)
                Resize(FirstBytes);
        }
        if (start > 0 && buffer.Length - start < wanted)
        {
            buffer.AsSpan(start, Available).CopyTo(buffer);
            (start, end) = (0, Available);
        }
        if (end == buffer.Length)
            Resize((int)Math.Min(2L * buffer.Length, LengthBytes + (long)mostBytes));
    }

    private void Resize(int size)
    {
        var other = ArrayPool<byte>.Shared.Rent(size);
        buffer.AsSpan(start, Available).CopyTo(other);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = other;
        (start, end) = (0, Available);
    }
}
