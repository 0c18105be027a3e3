using Onceward.Broker.Transactions;

namespace Onceward.Broker.Tests.Transactions;

/// <summary>The records of __transaction_state, byte for byte as Kafka writes them.</summary>
public sealed class TransactionRecordsTests
{
    private static readonly TransactionalProducer Ongoing = new("pay")
    {
        ProducerId = 258,
        Epoch = 3,
        TimeoutMs = 60_000,
        Status = TransactionStatus.Ongoing,
        Partitions = [new("t", 0), new("t", 2), new("__consumer_offsets", 1)],
        StartedAt = 5,
        UpdatedAt = 6,
    };

    [Fact]
    public void A_key_is_version_0_and_the_id()
    {
        Convert.ToHexString(TransactionRecords.Key("pay")).ShouldBe("0000" + "0003" + "706179");
        TransactionRecords.ReadKey(TransactionRecords.Key("pay")).ShouldBe("pay");
    }

    [Fact]
    public void A_value_without_a_transaction_has_no_partitions_at_all() =>
        Convert.ToHexString(TransactionRecords.Value(new("pay") { ProducerId = 258, Epoch = 3, TimeoutMs = 60_000, UpdatedAt = 6 }))
            .ShouldBe("0000" + "0000000000000102" + "0003" + "0000EA60" + "00" + "FFFFFFFF" + "0000000000000006" + "FFFFFFFFFFFFFFFF");

    [Fact]
    public void A_value_lists_partitions_by_topic() =>
        Convert.ToHexString(TransactionRecords.Value(Ongoing with { Partitions = [new("t", 2), new("t", 0)] }))
            .ShouldBe("0000" + "0000000000000102" + "0003" + "0000EA60" + "01"
                + "00000001" + "000174" + "00000002" + "00000000" + "00000002" + "0000000000000006" + "0000000000000005");

    [Fact]
    public void Every_status_comes_back_as_it_was_written()
    {
        foreach (var status in Enum.GetValues<TransactionStatus>().Where(status => status < TransactionStatus.Dead && status > TransactionStatus.Empty))
        {
            var read = TransactionRecords.ReadValue("pay", TransactionRecords.Value(Ongoing with { Status = status }));
            read.Partitions.ShouldBe(Ongoing.Partitions, ignoreOrder: true);
            (read with { Partitions = [] }).ShouldBe(Ongoing with { Status = status, Partitions = [] });
        }
    }

    [Fact]
    public void What_another_version_wrote_or_was_cut_is_refused()
    {
        var value = TransactionRecords.Value(Ongoing);
        for (var length = 0; length < value.Length; length++)
            Should.Throw<InvalidDataException>(() => TransactionRecords.ReadValue("pay", value.AsMemory(0, length)));
        value[1] = 9;
        Should.Throw<InvalidDataException>(() => TransactionRecords.ReadValue("pay", value)).Message.ShouldContain("version is 9");
    }
}
