using Confluent.Kafka;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

public sealed class HungTransactionTests
{
    [Fact]
    public async Task Records_that_wait_behind_an_open_transaction_are_noted_until_it_ends()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        await using var worker = await scene.StartAsync(w => scene.Sums(w).Configure(o =>
        {
            o.CheckInterval = TimeSpan.FromMilliseconds(200);
            o.HungTransactionAfter = TimeSpan.FromMilliseconds(800);
        }));
        scene.Input.Produce(Effects.Records(2, 20));
        await scene.AppliedAsync(20);
        using var open = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = TestServers.Kafka, TransactionalId = $"open-{Guid.NewGuid():N}" }).Build();
        open.InitTransactions(TimeSpan.FromSeconds(30));
        open.BeginTransaction();
        await open.ProduceAsync(new TopicPartition(scene.Input.Name, 0), new Message<string, byte[]> { Key = "x", Value = "never seen"u8.ToArray() }, TestContext.Current.CancellationToken);
        scene.Input.Produce(Effects.Records(2, 40).Skip(20));

        await scene.IncidentAsync("transaction_hung");
        // Noted while the records behind it are still being produced, on a slow machine.
        (await scene.Database.ScalarAsync<string>("SELECT partition || ' ' || from_offset || '-' || to_offset FROM onceward.incident")).ShouldMatch("^0 10-(1[1-9]|2[01])$");
        worker.HasLogged("has been open for long").ShouldBeTrue();
        await Eventually.HoldsAsync("the other partition goes on", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 1") == 20);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 0")).ShouldBe(10);

        open.AbortTransaction(TimeSpan.FromSeconds(30));
        await scene.AppliedAsync(40);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(40);
        await Eventually.HoldsAsync("the note is over", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident WHERE resolved_by IS NULL") == 0);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(1, "the idle partition is not one that hangs");
    }
}
