using Confluent.Kafka;
using Onceward.Handling;
using Onceward.Intake;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Unit;

/// <summary>Things that a test needs and does not care about.</summary>
internal static class Some
{
    public static SubscriptionSettings Settings(string topic = "orders") => new("worker", topic, new RetryOptions(), null, StartAt.Earliest);

    public static Subscription Subscription(int id = 1) => new Idle { Id = id };

    public static Claim Claim(int partition = 0, long next = 0, IntakeBudget? budget = null, int subscription = 1) => new(
        Subscription(subscription), new TopicPartition("orders", partition),
        new OffsetRow(new PartitionKey(subscription, partition), next, new Epoch(1), IsRunning: true), budget ?? new IntakeBudget(1_000_000)) { Wake = () => { } };

    public static Record Record(this Claim claim, long offset, int valueBytes = 0) => TestRecord.At(claim.Partition, offset, new string('x', valueBytes));

    /// <summary>Puts records at these offsets into the claim.</summary>
    public static Claim Holding(this Claim claim, params ReadOnlySpan<long> offsets)
    {
        foreach (var offset in offsets)
            claim.Add(claim.Record(offset));
        return claim;
    }

    public static long[] TakeAll(this Claim claim)
    {
        var taken = new List<Record>();
        claim.Take(taken, _ => true);
        return [.. taken.Select(r => r.Offset.Value)];
    }

    private sealed class Idle() : Subscription(Settings())
    {
        public override Type Handler => typeof(Idle);

        public override ValueTask ApplyAsync(ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken) => default;
    }
}
