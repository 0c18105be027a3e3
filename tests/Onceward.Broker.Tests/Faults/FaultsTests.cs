using Confluent.Kafka;
using Microsoft.Extensions.Time.Testing;
using Onceward.Broker.Protocol;
using ErrorCode = Onceward.Broker.Protocol.ErrorCode;

namespace Onceward.Broker.Tests.Faults;

/// <summary>What a client that nobody here wrote makes of faults that a test has ordered.</summary>
public sealed class FaultsTests
{
    private const string Topic = "t";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_appended_and_never_answered_is_there_once()
    {
        await using var broker = await StartAsync();
        using var producer = Producer(broker);
        await producer.ProduceAsync(Topic, Message("before"), Cancelled);
        using var dropped = broker.Faults.DropReply(ApiKey.Produce, times: 2);
        var sent = await producer.ProduceAsync(Topic, Message("once"), Cancelled);
        dropped.Hits.ShouldBe(2, "the first append, and the repetition of it");
        (await producer.ProduceAsync(Topic, Message("after"), Cancelled)).Offset.Value.ShouldBe(sent.Offset.Value + 1);
        Read(broker, 3).ShouldBe(["before", "once", "after"]);
    }

    [Fact]
    public async Task What_is_cut_before_it_is_handled_is_not_there_until_it_is_sent_again()
    {
        await using var broker = await StartAsync();
        using var producer = Producer(broker);
        using var cut = broker.Faults.Cut(ApiKey.Produce, times: 3);
        (await producer.ProduceAsync(Topic, Message("a"), Cancelled)).Offset.Value.ShouldBe(0);
        cut.Hits.ShouldBe(3);
    }

    [Fact]
    public async Task A_client_hears_the_error_and_tries_again_if_it_is_one_of_those()
    {
        await using var broker = await StartAsync();
        using var producer = Producer(broker);
        using var passing = broker.Faults.Fail(ApiKey.Produce, ErrorCode.NotEnoughReplicas, times: 2);
        (await producer.ProduceAsync(Topic, Message("a"), Cancelled)).Offset.Value.ShouldBe(0);
        passing.Hits.ShouldBe(2);
        using var lasting = broker.Faults.Fail(ApiKey.Produce, ErrorCode.TopicAuthorizationFailed);
        var refused = await Should.ThrowAsync<ProduceException<string, string>>(() => producer.ProduceAsync(Topic, Message("b"), Cancelled));
        refused.Error.Code.ShouldBe(Confluent.Kafka.ErrorCode.TopicAuthorizationFailed);
    }

    [Fact]
    public async Task A_delay_lasts_until_the_clock_says_so()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var broker = await StartAsync(new BrokerOptions { TimeProvider = clock });
        using var producer = Producer(broker);
        using var late = broker.Faults.Delay(ApiKey.Produce, TimeSpan.FromMinutes(1), clientId: "slow");
        await producer.ProduceAsync(Topic, Message("of another client"), Cancelled);
        using var slow = Producer(broker, "slow");
        var sending = slow.ProduceAsync(Topic, Message("a"), Cancelled);
        await late.Hit.WaitAsync(Patience, Cancelled);
        clock.Advance(TimeSpan.FromSeconds(59));
        await producer.ProduceAsync(Topic, Message("overtakes"), Cancelled);
        sending.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromMinutes(1)); // A rule says that it was hit before its delay begins.
        (await sending.WaitAsync(Patience, Cancelled)).Offset.Value.ShouldBe(2);
    }

    [Fact]
    public async Task Nobody_gets_through_while_connections_are_refused()
    {
        await using var broker = await StartAsync();
        using var producer = Producer(broker);
        await producer.ProduceAsync(Topic, Message("a"), Cancelled);
        Task<DeliveryResult<string, string>> sending;
        using (var refusing = broker.Faults.RefuseConnections())
        {
            sending = producer.ProduceAsync(Topic, Message("b"), Cancelled);
            await refusing.Hit.WaitAsync(Patience, Cancelled);
            for (var since = TimeProvider.System.GetTimestamp(); refusing.Hits < 3; await Task.Delay(20, Cancelled))
                TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(Patience, "the client comes again and again");
            sending.IsCompleted.ShouldBeFalse();
        }
        (await sending.WaitAsync(Patience, Cancelled)).Offset.Value.ShouldBe(1);
    }

    [Fact]
    public async Task A_member_finds_its_coordinator_again_and_its_offsets_with_it()
    {
        await using var broker = await StartAsync();
        using var producer = Producer(broker);
        foreach (var value in new[] { "a", "b" })
            await producer.ProduceAsync(Topic, Message(value), Cancelled);
        using var consumer = Consumer(broker);
        consumer.Subscribe(Topic);
        var first = consumer.Consume(Patience);
        first.Message.Value.ShouldBe("a");
        Task committing;
        using (var moved = broker.Faults.MoveCoordinator())
        {
            committing = Task.Run(() => CommitAsync(consumer, first), Cancelled);
            await moved.Hit.WaitAsync(Patience, Cancelled);
            consumer.Consume(Patience).Message.Value.ShouldBe("b", "records need no coordinator");
            committing.IsCompleted.ShouldBeFalse();
        }
        await committing.WaitAsync(Patience, Cancelled);
        consumer.Committed([first.TopicPartition], Patience).Single().Offset.Value.ShouldBe(1);
    }

    [Fact]
    public async Task Faults_stay_over_a_restart_and_go_when_they_are_lifted()
    {
        await using var broker = await StartAsync();
        var rule = broker.Faults.Fail(ApiKey.ListOffsets, ErrorCode.TopicAuthorizationFailed, times: null);
        await broker.RestartAsync(Cancelled);
        broker.CreateTopic(Topic);
        using var consumer = Consumer(broker);
        for (var i = 0; i < 3; i++)
            Should.Throw<KafkaException>(() => consumer.QueryWatermarkOffsets(new TopicPartition(Topic, 0), Patience)).Error.Code
                .ShouldBe(Confluent.Kafka.ErrorCode.TopicAuthorizationFailed);
        rule.Dispose();
        consumer.QueryWatermarkOffsets(new TopicPartition(Topic, 0), Patience).High.Value.ShouldBe(0);
        rule.Hits.ShouldBeGreaterThanOrEqualTo(3);
    }

    [Fact]
    public async Task A_fault_that_cannot_be_is_refused_where_it_is_ordered()
    {
        await using var broker = await StartAsync();
        Should.Throw<ArgumentException>(() => broker.Faults.Fail(ApiKey.Produce, ErrorCode.None));
        Should.Throw<ArgumentException>(() => broker.Faults.Fail(ApiKey.ListTransactions, ErrorCode.NotCoordinator)).Message.ShouldContain("ListTransactions");
        Should.Throw<ArgumentOutOfRangeException>(() => broker.Faults.Cut(ApiKey.Produce, times: 0));
        Should.Throw<ArgumentOutOfRangeException>(() => broker.Faults.Delay(ApiKey.Produce, TimeSpan.FromSeconds(-1)));
    }

    private static async Task<EmbeddedBroker> StartAsync(BrokerOptions? options = null)
    {
        var broker = await EmbeddedBroker.StartAsync(options, cancellationToken: Cancelled);
        broker.CreateTopic(Topic);
        return broker;
    }

    private static Message<string, string> Message(string value) => new() { Key = "k", Value = value };

    private static IProducer<string, string> Producer(EmbeddedBroker broker, string clientId = "test") => new ProducerBuilder<string, string>(new ProducerConfig
    {
        BootstrapServers = broker.BootstrapServers, ClientId = clientId, EnableIdempotence = true, LingerMs = 0, ReconnectBackoffMs = 10, ReconnectBackoffMaxMs = 100, RetryBackoffMs = 10,
    }).SetLogHandler((_, _) => { }).Build();

    private static IConsumer<string, string> Consumer(EmbeddedBroker broker) => new ConsumerBuilder<string, string>(new ConsumerConfig
    {
        BootstrapServers = broker.BootstrapServers, GroupId = "g", EnableAutoCommit = false, AutoOffsetReset = AutoOffsetReset.Earliest,
    }).SetLogHandler((_, _) => { }).Build();

    private static async Task CommitAsync(IConsumer<string, string> consumer, ConsumeResult<string, string> record)
    {
        while (true)
        {
            try
            {
                consumer.Commit(record);
                return;
            }
            catch (KafkaException e) when (!e.Error.IsFatal)
            {
                await Task.Delay(100, Cancelled);
            }
        }
    }

    private static List<string> Read(EmbeddedBroker broker, int atLeast)
    {
        using var consumer = Consumer(broker);
        consumer.Assign(new TopicPartitionOffset(Topic, 0, Offset.Beginning));
        var values = new List<string>();
        while (consumer.Consume(values.Count < atLeast ? Patience : TimeSpan.FromMilliseconds(300)) is { } read)
            values.Add(read.Message.Value);
        return values;
    }
}
