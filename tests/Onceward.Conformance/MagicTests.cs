using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>Message formats that Apache Kafka 4 no longer writes.</summary>
public sealed class MagicTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Another_magic_byte_is_never_appended(sbyte magic)
    {
        await using var topic = await Topic.CreateAsync();
        await topic.Connection.SendAsync(Api.Produce, 8, topic.ProduceRequest(new Batch { Values = ["a"], Magic = magic }));
        var answer = await topic.Connection.FrameAsync();
        await using var other = await WireConnection.OpenAsync();
        var end = await other.AskAsync(Api.ListOffsets, 5, new { topics = new[] { new { name = topic.Name, partitions = new[] { new { partitionIndex = 0, timestamp = -1 } } } } });
        end.Partition.Number("offset").ShouldBe(0);
        // Either it is an error of the partition, or the request could not be read at all and the connection is gone.
        if (answer is not null)
            new WireReader(answer[4..], flexible: false).Fields(Schema.Of(Api.Produce).Response, 8).Partition.Error.ShouldNotBe(Code.None);
    }
}
