using System.Diagnostics.Metrics;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>What a dashboard reads of what stands still.</summary>
public sealed class GaugeTests
{
    [Fact]
    public async Task Gauges_say_what_is_parked_and_stopped_of_a_topic_as_long_as_its_worker_runs()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        using var gauges = new Gauges(scene.Input.Name);
        RefusingHandler.Refuses = true;
        await using (await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, RefusingHandler>().Retry(r => r.Attempts(1).HoldKey())
            .Configure(o => o.CheckInterval = TimeSpan.FromMilliseconds(200))))
        {
            scene.Input.Produce(Effects.Records(2, 40));
            await Eventually.HoldsAsync("what is parked", () => gauges.Read() == "sums keys 1 records 2 stopped 0");

            await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'stopped' WHERE partition = 1");
            await Eventually.HoldsAsync("what is stopped", () => gauges.Read() == "sums keys 1 records 2 stopped 1");

            RefusingHandler.Refuses = false;
            await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'running'");
            await new ParkedKeys(scene.Database.Source).RetryAsync(new SetAsideFilter(), new Intervention("test"), TestContext.Current.CancellationToken);
            await Eventually.HoldsAsync("nothing stands still", () => gauges.Read() == "sums keys 0 records 0 stopped 0");
        }
        gauges.Read().ShouldBeEmpty("nobody looks any more");
    }

    /// <summary>Reads the gauges of one topic, as an exporter would.</summary>
    private sealed class Gauges : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly SortedDictionary<string, string> _read = new(StringComparer.Ordinal);

        public Gauges(string topic)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is ObservableGauge<long> && instrument.Meter.Name == "Onceward")
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                var tag = tags.ToArray().ToDictionary(t => t.Key, t => t.Value as string);
                if (tag["messaging.destination.name"] == topic)
                    _read[instrument.Name] = $"{tag["onceward.worker"]} {value}";
            });
            _listener.Start();
        }

        public string Read()
        {
            _read.Clear();
            _listener.RecordObservableInstruments();
            return _read.Count == 0 ? "" : string.Join(' ', (string[])[
                _read["onceward.keys.parked"].Replace(" ", " keys ", StringComparison.Ordinal),
                "records", _read["onceward.records.parked"].Split(' ')[1], "stopped", _read["onceward.partitions.stopped"].Split(' ')[1]]);
        }

        public void Dispose() => _listener.Dispose();
    }

    /// <summary>Refuses one account, for a while.</summary>
    private sealed class RefusingHandler : IHandler<Deposit>
    {
        private readonly DepositHandler _inner = new();

        public static bool Refuses { get; set; }

        public ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken) =>
            Refuses && message.Account == "0-3" ? throw new InvalidOperationException("not now") : _inner.HandleAsync(message, context, cancellationToken);
    }
}
