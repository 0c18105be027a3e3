using System.Buffers.Binary;
using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>What a client asks first, and everything it may then ask.</summary>
public sealed class ApiVersionsTests
{
    private const short FromTheFuture = 99;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Every_version_lists_what_clients_need(int version)
    {
        await using var connection = await WireConnection.OpenAsync();
        var reply = await connection.AskAsync(Api.ApiVersions, version, new { });
        reply.Error.ShouldBe(Code.None);
        var ranges = reply.List("apiKeys").ToDictionary(k => (Api)k.Number("apiKey"), k => (Min: k.Number("minVersion"), Max: k.Number("maxVersion")));
        ranges[Api.ApiVersions].Min.ShouldBe(0);
        ranges[Api.Produce].Min.ShouldBe(0, "librdkafka before 2.11 compresses only then");
        ranges[Api.FindCoordinator].Min.ShouldBe(0, "librdkafka before 2.11 has groups only then");
        ranges[Api.Metadata].Min.ShouldBe(0);
        ranges[Api.Fetch].Min.ShouldBe(4);
        ranges[Api.ListGroups].Min.ShouldBe(0);
        ranges[Api.DescribeGroups].Min.ShouldBe(0);
        ranges.Values.ShouldAllBe(r => r.Min >= 0 && r.Max >= r.Min);
        ranges.Keys.ShouldNotContain((Api)71, "clients would begin to push telemetry");
    }

    [Fact]
    public async Task An_unknown_version_is_answered_in_the_first_one_with_the_versions_of_this_request()
    {
        await using var connection = await WireConnection.OpenAsync();
        await connection.SendFrameAsync(connection.Header((short)Api.ApiVersions, FromTheFuture, flexible: true));
        var frame = (await connection.FrameAsync())!;
        BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(4)).ShouldBe((short)Code.UnsupportedVersion);
        var count = BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(6));
        frame.Length.ShouldBe(10 + (6 * count));
        Enumerable.Range(0, count).Select(i => BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(10 + (6 * i)))).ShouldContain((short)Api.ApiVersions);
        (await connection.AskAsync(Api.ApiVersions, 3, new { })).Error.ShouldBe(Code.None); // The connection lives on.
    }

    [Fact]
    public async Task A_client_without_a_name_is_refused()
    {
        await using var connection = await WireConnection.OpenAsync();
        (await connection.AskAsync(Api.ApiVersions, 3, new { clientSoftwareName = "", clientSoftwareVersion = "1" })).Error.ShouldBe(Code.InvalidRequest);
    }

    [Theory]
    [InlineData((short)Api.Metadata, FromTheFuture)]
    [InlineData((short)Api.Fetch, 3)]
    [InlineData(999, 0)]
    public async Task A_request_that_is_not_supported_closes_the_connection(short key, int version)
    {
        await using var connection = await WireConnection.OpenAsync();
        await connection.SendFrameAsync([.. connection.Header(key, version, flexible: false), .. new byte[64]]);
        await connection.ShouldBeClosedAsync();
    }

    /// <summary>Every version that broker and table know is asked with next to nothing in it: the answer must fit its description to the last byte.</summary>
    [Fact]
    public async Task Every_advertised_version_of_every_request_is_answered_in_its_own_layout()
    {
        var advertised = await AdvertisedAsync();
        var asked = 0;
        foreach (var schema in Schema.Every.Where(s => advertised.ContainsKey((Api)s.Key)))
        {
            var (min, max) = advertised[(Api)schema.Key];
            for (var version = Math.Max(schema.First, min); version <= Math.Min(schema.Last, max); version++, asked++)
                await AskAsync(schema, version);
        }
        asked.ShouldBeGreaterThan(100);
    }

    private static async Task AskAsync(Schema schema, int version)
    {
        await using var connection = await WireConnection.OpenAsync();
        try
        {
            await connection.AskAsync((Api)schema.Key, version, Least((Api)schema.Key));
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            throw new InvalidDataException($"{schema.Name} version {version}: {failed.Message}", failed);
        }
    }

    /// <summary>First versions do not know null for "all", and close the connection on it.</summary>
    private static object Least(Api api) => api switch
    {
        Api.Metadata or Api.OffsetFetch => new { topics = Array.Empty<object>() },
        _ => new { },
    };

    [Fact]
    public async Task Every_request_of_the_first_four_stages_is_advertised()
    {
        var advertised = await AdvertisedAsync();
        Schema.Every.Where(s => !advertised.ContainsKey((Api)s.Key)).Select(s => s.Name).ShouldBeEmpty();
    }

    private static async Task<Dictionary<Api, (int Min, int Max)>> AdvertisedAsync()
    {
        await using var connection = await WireConnection.OpenAsync();
        var reply = await connection.AskAsync(Api.ApiVersions, 0, new { });
        return reply.List("apiKeys").ToDictionary(k => (Api)k.Number("apiKey"), k => ((int)k.Number("minVersion"), (int)k.Number("maxVersion")));
    }
}
