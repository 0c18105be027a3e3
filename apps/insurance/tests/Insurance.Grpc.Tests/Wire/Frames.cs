using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;
using Insurance.Contracts;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Tests.Wire;

public sealed class Frames
{
    private const int Limit = 10_000;

    private static readonly Marshaller<PublishRequest> Requests = new(PublishRequest.Parser);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Messages_come_back_however_the_bytes_are_cut(bool gzip)
    {
        PublishRequest[] sent = [Request(""), Request("a"), Request(new string('x', 9_000)), new()];
        var output = new ArrayBufferWriter<byte>();
        foreach (var message in sent)
            MessageWriter.Write(output, message, gzip);

        foreach (var chunk in (int[])[1, 3, 4, 5, 6, 1_000, int.MaxValue])
        {
            var reader = Reader(output.WrittenMemory.ToArray(), gzip, chunk);
            foreach (var message in sent)
                (await reader.ReadAsync(Requests, TestContext.Current.CancellationToken)).ShouldBe(message);
            (await reader.ReadAsync(Requests, TestContext.Current.CancellationToken)).ShouldBeNull();
        }
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0 }, StatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 1 }, StatusCode.Internal)]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 }, StatusCode.Internal)]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, StatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0xff }, StatusCode.Internal)]
    [InlineData(new byte[] { 0, 0xff, 0xff, 0xff, 0xff }, StatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 0, 0, 0x27, 0x11 }, StatusCode.ResourceExhausted)]
    public async Task A_broken_frame_has_the_status_that_the_protocol_gives_it(byte[] bytes, StatusCode expected) =>
        (await Failure(bytes, gzip: false)).ShouldBe(expected);

    [Fact]
    public async Task A_message_of_exactly_the_limit_passes_and_one_byte_more_does_not()
    {
        var exact = Request(new string('x', Limit - Request(new string('x', Limit - 50)).CalculateSize() + Limit - 50));
        exact.CalculateSize().ShouldBe(Limit);
        (await Reader(Frame(exact, gzip: false), gzip: false).ReadAsync(Requests, TestContext.Current.CancellationToken)).ShouldBe(exact);
        (await Reader(Frame(exact, gzip: true), gzip: true).ReadAsync(Requests, TestContext.Current.CancellationToken)).ShouldBe(exact);

        exact.Event.EventId += "x";
        (await Failure(Frame(exact, gzip: false), gzip: false)).ShouldBe(StatusCode.ResourceExhausted);
        (await Failure(Frame(exact, gzip: true), gzip: true)).ShouldBe(StatusCode.ResourceExhausted);
    }

    [Fact]
    public async Task A_bomb_is_stopped_while_it_inflates()
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var i = 0; i < 8_000; i++)
                gzip.Write(new byte[1_024]);
        }

        compressed.Length.ShouldBeLessThan(Limit);
        var before = GC.GetAllocatedBytesForCurrentThread();
        (await Failure(Framed(1, compressed.ToArray()), gzip: true)).ShouldBe(StatusCode.ResourceExhausted);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000_000);
    }

    [Fact]
    public async Task Bytes_that_are_no_gzip_are_an_internal_error() =>
        (await Failure(Framed(1, [1, 2, 3, 4]), gzip: true)).ShouldBe(StatusCode.Internal);

    [Fact]
    public async Task A_cut_gzip_is_an_internal_error()
    {
        var whole = Frame(Request(new string('x', 500)), gzip: true)[FramePrefix.Size..];
        (await Failure(Framed(1, whole[..^9]), gzip: true)).ShouldBe(StatusCode.Internal);
    }

    private static PublishRequest Request(string eventId) => new() { Event = new PolicyEvent { EventId = eventId } };

    private static byte[] Frame(PublishRequest message, bool gzip)
    {
        var output = new ArrayBufferWriter<byte>();
        MessageWriter.Write(output, message, gzip);
        return output.WrittenMemory.ToArray();
    }

    private static byte[] Framed(byte flag, byte[] payload)
    {
        var output = new ArrayBufferWriter<byte>();
        new FramePrefix(flag, (uint)payload.Length).Write(output);
        output.Write(payload);
        return output.WrittenMemory.ToArray();
    }

    private static async Task<StatusCode> Failure(byte[] bytes, bool gzip)
    {
        var reader = Reader(bytes, gzip);
        return (await Should.ThrowAsync<RpcException>(async () => await reader.ReadAsync(Requests, CancellationToken.None))).StatusCode;
    }

    private static MessageReader Reader(byte[] bytes, bool gzip, int chunk = int.MaxValue) =>
        new(PipeReader.Create(new ChunkedStream(bytes, chunk)), Limit, gzip);

    private sealed class ChunkedStream(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(chunk, buffer.Length)], cancellationToken);
    }
}
