using System.Text;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

public sealed class ExactlyOnceTests
{
    [Fact]
    public async Task Every_record_takes_effect_once_and_causes_one_message_in_partition_order()
    {
        await using var database = await TestDatabase.CreateAsync(Effects.CreateTables);
        var input = await TestTopic.CreateAsync("in", partitions: 6);
        var output = await TestTopic.CreateAsync("out", partitions: 3);
        input.Produce(Effects.Records(partitions: 6, count: 12_000));
        var application = $"app-{Guid.NewGuid():N}";

        await using var worker = await TestWorker.StartAsync(database.ConnectionString, application, o => o
            .AddWorker("sums", w => w.From(input.Name).Handle<Deposit, DepositHandler>()), _ => DepositHandler.Output = output.Name);
        await Eventually.HoldsAsync("all records are applied", async () => await database.ScalarAsync<long>("SELECT count(*) FROM effect") >= 12_000);
        await Eventually.HoldsAsync("all messages are relayed", () => output.ReadCommitted().Count >= 12_000);

        await Effects.ShouldBeExactAsync(database, 12_000);
        var messages = output.ReadCommitted();
        messages.Count.ShouldBe(12_000);
        foreach (var key in messages.GroupBy(m => m.Message.Key))
            key.Select(m => int.Parse(Encoding.UTF8.GetString(m.Message.Value).Split(':')[1].Trim('"'))).ShouldBeInOrder();
    }
}
