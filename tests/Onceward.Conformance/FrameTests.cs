using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>Bytes that are no request: the connection ends, the broker lives on.</summary>
public sealed class FrameTests
{
    [Fact]
    public async Task A_frame_in_pieces_is_one_frame()
    {
        await using var connection = await WireConnection.OpenAsync();
        byte[] frame = [0, 0, 0, 21, .. connection.Header((short)Api.ApiVersions, 0, flexible: false)];
        frame[3] = (byte)(frame.Length - 4);
        foreach (var piece in frame.Chunk(3))
        {
            await connection.SendBytesAsync(piece);
            await Task.Yield();
        }
        (await connection.FrameAsync()).ShouldNotBeNull();
    }

    [Fact]
    public async Task Half_a_frame_and_a_closed_connection_harm_nobody()
    {
        await using (var half = await WireConnection.OpenAsync())
            await half.SendBytesAsync([0, 0, 1, 0, 0, 3, 0]);
        await LivesOnAsync();
    }

    [Theory]
    [InlineData(0x7fffffff)]
    [InlineData(0x47455420)] // "GET "
    [InlineData(-1)]
    public async Task A_length_beyond_the_limit_closes_the_connection(int length)
    {
        await using var connection = await WireConnection.OpenAsync();
        await connection.SendBytesAsync(new WireWriter(flexible: false).Int32(length).ToArray());
        await connection.ShouldBeClosedAsync();
        await LivesOnAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Garbage_closes_the_connection(int seed)
    {
        var garbage = new byte[200];
        new Random(seed).NextBytes(garbage);
        await using var connection = await WireConnection.OpenAsync();
        await connection.SendFrameAsync(garbage);
        await connection.ShouldBeClosedAsync();
        await LivesOnAsync();
    }

    [Theory]
    [InlineData((short)Api.Metadata, 1)]
    [InlineData((short)Api.Produce, 8)]
    [InlineData((short)Api.Fetch, 11)]
    [InlineData((short)Api.OffsetCommit, 7)]
    [InlineData((short)Api.JoinGroup, 5)]
    public async Task A_request_that_ends_too_early_closes_the_connection(short key, int version)
    {
        await using var connection = await WireConnection.OpenAsync();
        await connection.SendFrameAsync([.. connection.Header(key, version, flexible: false), 0]);
        await connection.ShouldBeClosedAsync();
    }

    [Fact]
    public async Task A_count_that_the_frame_cannot_hold_closes_the_connection()
    {
        await using var connection = await WireConnection.OpenAsync();
        await connection.SendFrameAsync([.. connection.Header((short)Api.Metadata, 1, flexible: false), 0x7f, 0xff, 0xff, 0xff]);
        await connection.ShouldBeClosedAsync();
        await LivesOnAsync();
    }

    [Fact]
    public async Task A_client_that_ends_its_stream_is_let_go()
    {
        await using var connection = await WireConnection.OpenAsync();
        (await connection.AskAsync(Api.ApiVersions, 0, new { })).Error.ShouldBe(Code.None);
        connection.EndSending();
        await connection.ShouldBeClosedAsync();
    }

    private static async Task LivesOnAsync()
    {
        await using var other = await WireConnection.OpenAsync();
        (await other.AskAsync(Api.ApiVersions, 0, new { })).Error.ShouldBe(Code.None);
    }
}
