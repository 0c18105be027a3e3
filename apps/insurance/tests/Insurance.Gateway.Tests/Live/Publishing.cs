using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Grpc.Core;
using Insurance.Contracts;

namespace Insurance.Gateway.Tests.Live;

public sealed class Publishing(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _run = $"dotnet-{Guid.NewGuid():N}";

    [Fact]
    public async Task What_is_acknowledged_is_on_the_topic_as_it_was_sent()
    {
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var sent = Events.Issued(_run, $"{_run}-policy");
        var headers = GatewayProcess.Authorized;
        headers.Add("traceparent", trace);
        var response = await fixture.Gateway.Client.PublishAsync(new PublishRequest { Event = sent }, headers);

        var record = Read(response.Partition, response.Offset, sent.PolicyId, count: 1).Single();
        record.Offset.Value.ShouldBe(response.Offset);
        PolicyEvent.Parser.ParseFrom(record.Message.Value).ShouldBe(sent);
        record.Message.Headers.Select(header => (header.Key, Encoding.UTF8.GetString(header.GetValueBytes()))).ShouldBe(
            [("event_id", _run), ("traceparent", trace)]);
    }

    [Fact]
    public async Task Events_of_one_policy_keep_the_order_of_their_stream()
    {
        const int count = 3_000;
        using var call = fixture.Gateway.Client.PublishStream(GatewayProcess.Authorized);
        var acks = ReadAllAsync(call.ResponseStream);
        for (var i = 0; i < count; i++)
            await call.RequestStream.WriteAsync(new PublishRequest { Event = Events.Issued($"{_run}-{i}", $"{_run}-policy") });
        await call.RequestStream.CompleteAsync();

        var accepted = (await acks.WaitAsync(Patience)).ConvertAll(ack => ack.Accepted);
        accepted.Count.ShouldBe(count);
        var partition = accepted.Select(place => place.Partition).Distinct().ShouldHaveSingleItem();
        var records = Read(partition, accepted.Min(place => place.Offset), $"{_run}-policy", count);
        records.Count.ShouldBe(count);
        foreach (var (i, record) in records.Index())
            PolicyEvent.Parser.ParseFrom(record.Message.Value).EventId.ShouldBe($"{_run}-{i}");
    }

    [Fact]
    public async Task Two_thousand_calls_at_once_are_all_answered()
    {
        var calls = Enumerable.Range(0, 2_000).Select(async i =>
            (await fixture.Gateway.Client.PublishAsync(
                new PublishRequest { Event = Events.Issued($"{_run}-{i}", $"{_run}-{i}") }, GatewayProcess.Authorized)).EventId);
        (await Task.WhenAll(calls).WaitAsync(Patience)).ShouldBe(Enumerable.Range(0, 2_000).Select(i => $"{_run}-{i}"));
    }

    [Fact]
    public async Task A_client_that_takes_no_acknowledgements_is_held_and_holds_nobody_else()
    {
        using var stalled = fixture.Gateway.Client.PublishStream(GatewayProcess.Authorized);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var written = 0;
        try
        {
            for (; written < 200_000; written++)
                await stalled.RequestStream.WriteAsync(new PublishRequest { Event = Events.Issued($"{_run}-{written}", _run) }, stop.Token);
        }
        catch (RpcException)
        {
            // Held: the write did not finish in its time.
        }

        written.ShouldBeLessThan(200_000);
        var free = new PublishRequest { Event = Events.Issued($"{_run}-free", _run) };
        await fixture.Gateway.Client.PublishAsync(free, GatewayProcess.Authorized).ResponseAsync.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_stopping_gateway_acknowledges_what_it_received_and_says_that_it_stops()
    {
        await using var gateway = await GatewayProcess.StartAsync(Broker.OrSkip());
        await gateway.ServingAsync();
        using var call = gateway.Client.PublishStream(GatewayProcess.Authorized);
        for (var i = 0; i < 100; i++)
            await call.RequestStream.WriteAsync(new PublishRequest { Event = Events.Issued($"{_run}-{i}", _run) });
        (await call.ResponseStream.MoveNext(CancellationToken.None)).ShouldBeTrue();

        var stopping = gateway.StopAsync();
        var acks = 1;
        var end = await Should.ThrowAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                acks++;
        });
        end.StatusCode.ShouldBe(StatusCode.Unavailable);
        acks.ShouldBeInRange(1, 100);
        (await stopping).ShouldBe(0, gateway.Output);
        gateway.Output.ShouldNotContain(GatewayProcess.Token);
    }

    private static async Task<List<PublishAck>> ReadAllAsync(IAsyncStreamReader<PublishAck> stream)
    {
        var acks = new List<PublishAck>();
        while (await stream.MoveNext(CancellationToken.None))
            acks.Add(stream.Current);
        return acks;
    }

    // Other tests write to the same partitions: only the records of one policy count.
    private static List<ConsumeResult<byte[], byte[]>> Read(int partition, long from, string policyId, int count)
    {
        var key = Encoding.UTF8.GetBytes(policyId);
        var settings = new ConsumerConfig { BootstrapServers = Broker.OrSkip(), GroupId = "gateway-tests", EnableAutoCommit = false };
        using var consumer = new ConsumerBuilder<byte[], byte[]>(settings).Build();
        consumer.Assign(new TopicPartitionOffset(Topology.AutoEvents.Name, partition, from));
        var records = new List<ConsumeResult<byte[], byte[]>>();
        var started = Stopwatch.GetTimestamp();
        while (records.Count < count && Stopwatch.GetElapsedTime(started) < Patience)
        {
            if (consumer.Consume(TimeSpan.FromSeconds(1)) is { } record && record.Message.Key.AsSpan().SequenceEqual(key))
                records.Add(record);
        }

        return records;
    }
}
