using System.Security.Cryptography;
using Confluent.Kafka;
using Onceward.Handling;
using Onceward.TestSupport;

namespace Onceward.Unit.Handling;

public sealed class KeyIdTests
{
    private static readonly TopicPartition s_partition = new("orders", 3);

    [Theory]
    [InlineData("k")]
    [InlineData("")]
    [InlineData("long")]
    public void It_is_the_digest_that_the_schema_writes_down(string key)
    {
        key = key == "long" ? new string('k', 5000) : key;
        KeyId.Of(TestRecord.At(s_partition, 1, key: key)).ToBytes().ShouldBe(SHA256.HashData([1, .. System.Text.Encoding.UTF8.GetBytes(key)]));
    }

    [Fact]
    public void It_survives_the_way_through_the_ledger()
    {
        var id = KeyId.Of(TestRecord.At(s_partition, 1, key: "k"));
        KeyId.From(id.ToBytes()).ShouldBe(id);
    }

    [Fact]
    public void Records_of_one_key_share_it_and_records_without_a_key_share_nothing()
    {
        KeyId.Of(TestRecord.At(s_partition, 1, key: "k")).ShouldBe(KeyId.Of(TestRecord.At(new TopicPartition("orders", 4), 9, key: "k")));
        KeyId[] keyless = [KeyId.Of(TestRecord.At(s_partition, 1)), KeyId.Of(TestRecord.At(s_partition, 2)), KeyId.Of(TestRecord.At(new TopicPartition("orders", 4), 1))];
        keyless.ShouldBeUnique();
        keyless.ShouldNotContain(KeyId.Of(TestRecord.At(s_partition, 1, key: "")));
    }
}
