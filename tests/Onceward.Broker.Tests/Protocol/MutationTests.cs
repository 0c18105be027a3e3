using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Protocol;

/// <summary>Requests of every kind and version, made wrong, sent to a broker: each is answered, or its connection closed, and the broker lives on.</summary>
/// <remarks>
/// The clock is the test's: a request that waits is ended by moving it, so that none hangs. ONCEWARD_FUZZ_MUTATIONS and ONCEWARD_FUZZ_SEED set how
/// many and which; the seed is printed, and a failure names its input.
/// What an input makes the process allocate is counted, so no other test runs beside these.
/// </remarks>
[Collection(nameof(RunsAlone))]
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int FewInputs = 5_000;
    private const int InputsOfALife = 2_000; // Topics, groups and transactional ids that inputs create pile up.
    private const long MostAllocated = 192L << 20; // For one input: 10,000 partitions may be created, and then described.
    private const long MostHeap = 1L << 30;
    private const int ProbeId = 0x50524f42;

    private static readonly byte[] Probe = [0, 0, 0, 10, 0, 18, 0, 0, 0x50, 0x52, 0x4f, 0x42, 0, 0]; // ApiVersions, version 0
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(25); // More milliseconds than an int32 holds.

    [Fact]
    public async Task Every_input_is_answered_or_its_connection_closed()
    {
        var inputs = Setting("ONCEWARD_FUZZ_MUTATIONS", FewInputs);
        var seed = Setting("ONCEWARD_FUZZ_SEED", Environment.TickCount);
        output.WriteLine($"seed {seed}, {inputs} inputs");
        var random = new Random(seed);
        var requests = new ValidRequests(random);
        requests.All.Select(request => request.Schema.Key).Distinct().Count().ShouldBe(SupportedApis.All.Count, "every request that is advertised is made here");
        await using var target = await Target.StartAsync();
        int answered = 0, unchanged = 0;
        var closed = new Dictionary<ApiKey, int>(); // Values that no client sends, for the most part: Kafka closes there too.
        for (var i = 0; i < inputs; i++)
        {
            if (i % InputsOfALife == InputsOfALife - 1)
                await target.RestartAsync();
            var frame = requests.Next(out var key);
            var valid = random.Next(10) == 0; // They bring the broker into states.
            frame = valid ? frame : Mutation.Of(frame, random);
            var isTrue = true;
            var length = valid ? frame.Length : Mutation.LengthOf(frame, random, out isTrue);
            var replies = await target.SendAsync(length, frame, isTrue);
            if (valid && replies == 0)
                closed[key] = closed.GetValueOrDefault(key) + 1;
            answered += replies > 0 ? 1 : 0;
            unchanged += valid ? 1 : 0;
        }
        output.WriteLine($"{answered} were answered, {inputs - answered} ended their connection, {unchanged} were valid; {target.Moved} waits were ended by the clock");
        output.WriteLine($"valid by their form and refused all the same: {string.Join(", ", closed)}");
        closed.Values.Sum().ShouldBeLessThan(unchanged / 5);
        answered.ShouldBeGreaterThan(inputs / 10, "inputs that never get far test only the first bytes");
        await target.ShouldBeHealthyAsync();
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    /// <summary>A broker in memory, one connection to it, and what it logs as its own fault.</summary>
    private sealed class Target(EmbeddedBroker broker, FakeTimeProvider clock, Faults faults) : IAsyncDisposable
    {
        private Socket? socket;

        /// <summary>How often the clock was moved.</summary>
        public int Moved { get; private set; }

        public static async Task<Target> StartAsync()
        {
            var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
            var faults = new Faults();
            var target = new Target(await EmbeddedBroker.StartAsync(new BrokerOptions { TimeProvider = clock, MemoryLimit = 64 << 20 }, faults), clock, faults);
            target.CreateTopics();
            return target;
        }

        public async Task RestartAsync()
        {
            GC.GetTotalMemory(forceFullCollection: false).ShouldBeLessThan(MostHeap);
            Close();
            await broker.RestartAsync();
            CreateTopics();
        }

        /// <summary>Sends an input and a question behind it. How many replies came before the answer to that; 0: the connection was closed.</summary>
        public async Task<int> SendAsync(int length, byte[] frame, bool isTrue)
        {
            var bytes = new byte[sizeof(int) + frame.Length + Probe.Length];
            BinaryPrimitives.WriteInt32BigEndian(bytes, length);
            frame.CopyTo(bytes, sizeof(int));
            Probe.CopyTo(bytes, sizeof(int) + frame.Length);
            var before = GC.GetTotalAllocatedBytes();
            var replies = await ExchangeAsync(bytes, isTrue);
            var allocated = GC.GetTotalAllocatedBytes() - before;
            if (allocated > MostAllocated)
                Assert.Fail($"{allocated} bytes were allocated for {Convert.ToHexString(bytes)}");
            if (faults.TryTake(out var fault))
                Assert.Fail($"{fault}\nby {Convert.ToHexString(bytes)}");
            return replies;
        }

        /// <summary>A topic is created, written to, and its end is known: through the wire.</summary>
        public async Task ShouldBeHealthyAsync()
        {
            broker.CreateTopic("healthy");
            Close();
            var batch = new Onceward.Broker.Log.RecordBatchBuilder(clock.GetUtcNow().ToUnixTimeMilliseconds());
            batch.Add("key"u8, "value"u8);
            var records = batch.Build().ToArray();
            var produce = new Conformance.Wire.WireWriter(flexible: false).Int16(0).Int16(3).Int32(1).Int16(-1).Int16(-1).Int16(-1).Int32(1000)
                .Int32(1).Int16(7).Raw("healthy"u8).Int32(1).Int32(0).Int32(records.Length).Raw(records).ToArray();
            await ConnectAsync();
            await socket!.SendAsync(new Conformance.Wire.WireWriter(flexible: false).Int32(produce.Length).Raw(produce).ToArray());
            var answer = await FrameAsync();
            answer.ShouldNotBeNull();
            answer[25..35].ShouldBe(new byte[10], "no error, at offset 0"); // Behind correlation id, counts, name and partition.
        }

        public async ValueTask DisposeAsync()
        {
            Close();
            await broker.DisposeAsync();
        }

        private void CreateTopics()
        {
            foreach (var (name, partitions) in new[] { ("a", 1), ("b", 3) })
                broker.CreateTopic(name, partitions);
        }

        private async Task<int> ExchangeAsync(byte[] bytes, bool isTrue)
        {
            try
            {
                if (socket is null)
                    await ConnectAsync();
                await socket!.SendAsync(bytes);
                if (!isTrue) // What follows may be taken for a part of it: the end of the stream is its end.
                    socket.Shutdown(SocketShutdown.Send);
                for (var replies = 0; ; replies++)
                {
                    var frame = await FrameAsync();
                    if (frame is null)
                    {
                        Close();
                        return 0;
                    }
                    if (frame.Length >= sizeof(int) && BinaryPrimitives.ReadInt32BigEndian(frame) == ProbeId && isTrue)
                        return Math.Max(1, replies); // Acknowledgements that nobody wants are not sent.
                }
            }
            catch (SocketException) // Closed before all was sent.
            {
                Close();
                return 0;
            }
        }

        private async Task ConnectAsync()
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPEndPoint.Parse(broker.BootstrapServers));
        }

        /// <summary>Null: the connection was closed.</summary>
        private async Task<byte[]?> FrameAsync()
        {
            var head = new byte[sizeof(int)];
            if (!await FillAsync(head))
                return null;
            var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(head)];
            return await FillAsync(frame) ? frame : null;
        }

        private async Task<bool> FillAsync(byte[] buffer)
        {
            for (var filled = 0; filled < buffer.Length;)
            {
                var received = await ReceiveAsync(buffer.AsMemory(filled));
                if (received == 0)
                    return false;
                filled += received;
            }
            return true;
        }

        /// <summary>What does not come soon waits for the clock.</summary>
        private async Task<int> ReceiveAsync(Memory<byte> buffer)
        {
            var receiving = socket!.ReceiveAsync(buffer).AsTask();
            for (var waited = TimeSpan.Zero; waited < Patience; waited += TimeSpan.FromMilliseconds(50))
            {
                if (receiving.IsCompleted || await Task.WhenAny(receiving, Task.Delay(50)) == receiving)
                    return await receiving;
                clock.Advance(LongestWait);
                Moved++;
            }
            throw new TimeoutException("An input is neither answered nor refused, however far the clock is moved.");
        }

        private void Close()
        {
            socket?.Dispose();
            socket = null;
        }
    }

    /// <summary>Takes what the broker logs as an error: an exception that is no refusal.</summary>
    private sealed class Faults : ILoggerFactory, ILogger
    {
        private readonly ConcurrentQueue<string> errors = new();

        public bool TryTake(out string? error) => errors.TryDequeue(out error);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                errors.Enqueue($"{formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}
