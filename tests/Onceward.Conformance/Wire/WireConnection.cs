using System.Buffers.Binary;
using System.Net.Sockets;

namespace Onceward.Conformance.Wire;

/// <summary>A connection to a broker that sends what it is told, valid or not.</summary>
internal sealed class WireConnection : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly TcpClient client = new() { NoDelay = true };
    private readonly Queue<(Schema Schema, int Version, int Correlation)> expected = new();
    private int correlation;

    private NetworkStream stream = null!; // Not asked of the client each time: it gives none after the end of sending.

    private WireConnection() { }

    public string ClientId { get; init; } = "conformance";

    public static async Task<WireConnection> OpenAsync(string? address = null)
    {
        var connection = new WireConnection();
        var parts = (address ?? Backend.Address).Split(',')[0].Split(':');
        await connection.client.ConnectAsync(parts[0], int.Parse(parts[1])).WaitAsync(Deadline);
        connection.stream = connection.client.GetStream();
        return connection;
    }

    /// <summary>Sends a request and reads its response, which must use up its frame to the last byte.</summary>
    public async Task<Reply> AskAsync(Api api, int version, object values)
    {
        await SendAsync(api, version, values);
        return await AnswerAsync();
    }

    public async Task SendAsync(Api api, int version, object values)
    {
        var schema = Schema.Of(api);
        var body = new WireWriter(schema.Flexible(version)).Fields(schema.Request, values, version).ToArray();
        expected.Enqueue((schema, version, correlation + 1));
        await SendFrameAsync([.. Header((short)api, version, schema.Flexible(version)), .. body]);
    }

    /// <summary>The response to the oldest request without one.</summary>
    public async Task<Reply> AnswerAsync(TimeSpan? limit = null)
    {
        var frame = await FrameAsync(limit) ?? throw new EndOfStreamException("The broker closed the connection.");
        var (schema, version, wanted) = expected.Dequeue();
        var flexible = schema.Flexible(version);
        var reader = new WireReader(frame, flexible);
        reader.Int32().ShouldBe(wanted, "correlation id");
        if (flexible && schema.Key != (short)Api.ApiVersions)
            reader.Varint().ShouldBe(0u, "tags of the response header");
        var reply = reader.Fields(schema.Response, version);
        reader.Remaining.ShouldBe(0, $"bytes behind the end of {schema.Name} version {version}");
        return reply;
    }

    public byte[] Header(short key, int version, bool flexible)
    {
        var header = new WireWriter(flexible: false).Int16(key).Int16(version).Int32(++correlation).Int16(ClientId.Length).Raw(System.Text.Encoding.ASCII.GetBytes(ClientId));
        return (flexible ? header.Varint(0) : header).ToArray();
    }

    public Task SendFrameAsync(byte[] frame)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, frame.Length);
        return SendBytesAsync([.. length, .. frame]);
    }

    public Task SendBytesAsync(byte[] bytes) => stream.WriteAsync(bytes).AsTask().WaitAsync(Deadline);

    /// <summary>No more will be sent: the broker sees the end of the stream, and may still answer.</summary>
    public void EndSending() => client.Client.Shutdown(SocketShutdown.Send);

    /// <summary>The next frame without its length, or null if the broker closed the connection.</summary>
    public async Task<byte[]?> FrameAsync(TimeSpan? limit = null)
    {
        using var timer = new CancellationTokenSource(limit ?? Deadline);
        try
        {
            var length = new byte[4];
            await stream.ReadExactlyAsync(length, timer.Token);
            var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await stream.ReadExactlyAsync(frame, timer.Token);
            return frame;
        }
        catch (Exception gone) when (gone is IOException or EndOfStreamException)
        {
            return null;
        }
        catch (OperationCanceledException late)
        {
            throw new TimeoutException($"No answer within {limit ?? Deadline}.", late);
        }
    }

    public async Task ShouldBeClosedAsync() => (await FrameAsync()).ShouldBeNull("The broker should have closed the connection.");

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }
}
