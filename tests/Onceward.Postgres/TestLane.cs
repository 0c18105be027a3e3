using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Intake;
using Onceward.Lanes;
using Onceward.Ledger;
using Onceward.Outbox;
using Onceward.Redrive;
using Onceward.TestSupport;

namespace Onceward.Postgres;

/// <summary>A lane with its ledger and without Kafka: the test makes claims and records by hand and runs one batch after another.</summary>
internal sealed class TestLane : IAsyncDisposable
{
    public const string Topic = "orders";

    private readonly ServiceProvider _services;
    private readonly NpgsqlDataSource _source;
    private readonly BatchFormer _former;
    private readonly BatchProcessor _processor;
    private readonly LaneConnection _redriveConnection;
    private readonly RedriveTransaction _redrive;
    private readonly List<Claim> _claims = [];
    private bool _isSecond;
    private bool _claimsAsItWorks;

    private TestLane(
        TestDatabase database, NpgsqlDataSource source, Script script, Action<IServiceCollection>? configure = null, Action<LaneOptions>? lanes = null,
        TimeProvider? pauses = null)
    {
        (Database, _source, Script) = (database, source, script);
        var container = new ServiceCollection().AddSingleton(script).AddScoped<Scoped>().AddScoped<ScriptedHandler>().AddScoped<ScriptedBatchHandler>()
            .AddLogging(l => l.AddSimpleConsole().SetMinimumLevel(Enum.Parse<LogLevel>(Environment.GetEnvironmentVariable("ONCEWARD_TEST_LOG") ?? "None")));
        configure?.Invoke(container);
        _services = container.BuildServiceProvider();
        var loggers = _services.GetRequiredService<ILoggerFactory>();
        var options = new LaneOptions();
        lanes?.Invoke(options);
        var scopes = _services.GetRequiredService<IServiceScopeFactory>();
        Publishing = new Publishing("worker", new JsonSerdes(), 100_000);
        Connection = new LaneConnection(source, options);
        _former = new BatchFormer(options, TimeProvider.System);
        var burial = new Burial(Publishing, loggers.CreateLogger<Burial>());
        var diversion = new Diversion(burial, TimeProvider.System, new Random(1), loggers.CreateLogger<Diversion>());
        var suspects = new Suspects();
        var call = new HandlerCall(suspects, options, TimeProvider.System);
        var runner = new SavepointRunner(scopes, call, suspects);
        var transaction = new BatchTransaction(Connection, scopes, Publishing, diversion, new RecordIsolation(runner, diversion), call, Waypoints);
        _redriveConnection = new LaneConnection(source, options);
        _redrive = new RedriveTransaction(
            _redriveConnection, source, _services, Publishing, runner, suspects, burial, new OutboxSignal(), Waypoints, pauses ?? TimeProvider.System, new Random(1),
            loggers.CreateLogger<RedriveTransaction>());
        _processor = new BatchProcessor(
            "worker", transaction, Connection, source, new OutboxSignal(), suspects, Fence, pauses ?? TimeProvider.System, new Random(1), loggers.CreateLogger<BatchProcessor>());
    }

    public TestDatabase Database { get; }

    /// <summary>The lane's own connections.</summary>
    public NpgsqlDataSource Source => _source;

    public Script Script { get; }

    public Publishing Publishing { get; }

    public LaneConnection Connection { get; }

    public Waypoints Waypoints { get; } = new();

    public Subscription Subscription { get; private set; } = null!;

    public List<Claim> Fenced { get; } = [];

    /// <summary>
    /// A lane of its own database; its connections go through the proxy or the pooler if there is one, and through the pooler its claims too.
    /// </summary>
    public static async Task<TestLane> CreateAsync(
        Script? script = null, Func<TestDatabase, TcpProxy>? proxy = null, Func<string, string?>? dedupeBy = null, int attempts = 3,
        string? deadLetterTopic = null, bool setBased = false, string sql = "", Action<RetryOptions>? retry = null,
        Action<IServiceCollection>? configure = null, Func<TestDatabase, string>? pooler = null, Action<LaneOptions>? lanes = null, Func<SubscriptionSettings, IDeserializer<string>, Subscription>? subscribe = null,
        TimeProvider? pauses = null)
    {
        var database = await TestDatabase.CreateAsync(Effect.CreateTable + sql);
        await InstallAsync(database.Source);
        var through = proxy?.Invoke(database).ConnectionString ?? pooler?.Invoke(database) ?? database.ConnectionString;
        var lane = new TestLane(database, NpgsqlDataSource.Create(through), script ?? new Script(), configure, lanes, pauses) { _claimsAsItWorks = pooler is not null };
        var options = new RetryOptions().Attempts(attempts).Backoff(TimeSpan.Zero, TimeSpan.Zero);
        retry?.Invoke(options);
        var settings = new SubscriptionSettings("worker", Topic, options, deadLetterTopic, StartAt.Earliest);
        lane.Subscription = subscribe is not null ? subscribe(settings, new Decoder()) : setBased
            ? new BatchSubscription<string, ScriptedBatchHandler>(settings, new Decoder(), dedupeBy)
            : new RecordSubscription<string, ScriptedHandler>(settings, new Decoder(), dedupeBy);
        lane.Subscription.Id = (await new SubscriptionStore(database.Source).EnsureAsync("cluster", "worker", Topic, "id-1", default)).Id;
        return lane;
    }

    /// <summary>A lane of another process on the same database and subscription.</summary>
    public TestLane Second(Script script, Func<TestDatabase, string>? pooler = null) => new(
        Database, NpgsqlDataSource.Create(pooler?.Invoke(Database) ?? Database.ConnectionString), script)
    {
        _claimsAsItWorks = pooler is not null,
        Subscription = new RecordSubscription<string, ScriptedHandler>(Subscription.Settings, new Decoder(), null) { Id = Subscription.Id },
        _isSecond = true,
    };

    /// <summary>Installs the ledger's schema.</summary>
    public static async Task InstallAsync(NpgsqlDataSource source)
    {
        using var schema = new LedgerSchema(source, Options.Create(new OncewardOptions()), NullLogger<LedgerSchema>.Instance);
        await schema.EnsureAsync(default);
    }

    /// <summary>Claims a partition in the ledger, from offset 0 if it is new, and fills it; every value has a key of its own.</summary>
    public Claim Claim(int partition, params ReadOnlySpan<string?> values)
    {
        var claim = ClaimEmpty(partition);
        var offset = claim.Position;
        foreach (var value in values)
            claim.Add(TestRecord.At(claim.Partition, offset++, value, $"key-{value}"));
        return claim;
    }

    /// <summary>Claims a partition and fills it; the key of a value such as "k:v" is what stands before the colon, and without a colon there is none.</summary>
    public Claim ClaimKeyed(int partition, params ReadOnlySpan<string> values)
    {
        var claim = ClaimEmpty(partition);
        AddKeyed(claim, values);
        return claim;
    }

    /// <summary>The next records of a claim, as <see cref="ClaimKeyed"/> makes them.</summary>
    public static void AddKeyed(Claim claim, params ReadOnlySpan<string> values)
    {
        var offset = claim.Position + claim.WaitingCount;
        foreach (var value in values)
            claim.Add(TestRecord.At(claim.Partition, offset++, value, value.Contains(':') ? value[..value.IndexOf(':')] : null));
    }

    private Claim ClaimEmpty(int partition)
    {
        var store = new ClaimStore(_claimsAsItWorks ? _source : Database.Source, "me");
        var key = new PartitionKey(Subscription.Id, partition);
        store.InsertAsync("cluster", "app", [(key, 0)], default).GetAwaiter().GetResult();
        var row = store.ClaimAsync([key], default).GetAwaiter().GetResult().Claimed.Single();
        var claim = new Claim(Subscription, new TopicPartition(Topic, partition), row, new IntakeBudget(long.MaxValue)) { Wake = () => { } };
        _claims.Add(claim);
        return claim;
    }

    /// <summary>Runs one batch with what waits. Returns whether there was one.</summary>
    public async Task<bool> StepAsync(CancellationToken cancellationToken = default)
    {
        var segments = _former.Form([.. _claims]);
        if (segments.Count > 0)
            await _processor.ProcessAsync(segments, cancellationToken);
        return segments.Count > 0;
    }

    /// <summary>The lane itself, which forms batches when it is woken.</summary>
    public Lane CreateLane(LaneOptions options, TimeProvider clock) =>
        new(0, options, new BatchFormer(options, clock), _processor, Connection, Fence, clock, NullLogger<Lane>.Instance);

    /// <summary>Redrives one key. Returns whether one was due.</summary>
    public Task<bool> RedriveAsync(CancellationToken cancellationToken = default) =>
        _redrive.RunAsync(new Dictionary<int, Subscription> { [Subscription.Id] = Subscription }, cancellationToken);

    /// <summary>The pauses of all keys are over.</summary>
    public Task MakeDueAsync() => Database.ExecuteAsync("UPDATE onceward.parked_key SET next_attempt_at = now()");

    /// <summary>Runs batches and redrives until nothing waits.</summary>
    public async Task DrainAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await StepAsync(deadline.Token) | await RedriveAsync(deadline.Token))
            deadline.Token.ThrowIfCancellationRequested();
    }

    /// <summary>Runs batches until nothing waits; what is parked stays parked.</summary>
    public async Task DrainBatchesAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await StepAsync(deadline.Token))
            deadline.Token.ThrowIfCancellationRequested();
    }

    /// <summary>The effects of a partition as "offset:value", in the order in which they happened.</summary>
    public Task<List<string>> EffectsAsync(int partition) =>
        Database.ColumnAsync<string>($"""SELECT "offset" || ':' || value FROM effect WHERE partition = {partition} ORDER BY id""");

    public Task<long> NextOffsetAsync(int partition) =>
        Database.ScalarAsync<long>($"SELECT next_offset FROM onceward.consumer_offset WHERE partition = {partition}");

    /// <summary>Dead letters as "partition:offset reason attempts", in the order in which they were written.</summary>
    public Task<List<string>> DeadLettersAsync() =>
        Database.ColumnAsync<string>("""SELECT partition || ':' || "offset" || ' ' || reason || ' ' || attempts FROM onceward.dead_letter ORDER BY id""");

    /// <summary>What was noted and nobody has settled.</summary>
    public Task<List<string>> OpenIncidentsAsync() => Database.ColumnAsync<string>("SELECT kind FROM onceward.incident WHERE resolved_by IS NULL ORDER BY id");

    /// <summary>All effects as "partition:offset", in the order in which they happened.</summary>
    public Task<List<string>> PlacesAsync() => Database.ColumnAsync<string>("""SELECT partition || ':' || "offset" FROM effect ORDER BY id""");

    /// <summary>Parked records as "key partition:offset", in arrival order.</summary>
    public Task<List<string>> ParkedAsync() => Database.ColumnAsync<string>("""
        SELECT coalesce(convert_from(k.key, 'utf8'), '-') || ' ' || r.partition || ':' || r."offset"
          FROM onceward.parked_record r JOIN onceward.parked_key k USING (subscription_id, key_id) ORDER BY r.arrival
        """);

    /// <summary>Parked keys as "key state attempts".</summary>
    public Task<List<string>> ParkedKeysAsync() => Database.ColumnAsync<string>(
        "SELECT coalesce(convert_from(key, 'utf8'), '-') || ' ' || state || ' ' || attempts FROM onceward.parked_key ORDER BY key");

    /// <summary>Another worker takes the partition.</summary>
    public void Steal(int partition) =>
        new ClaimStore(Database.Source, "another").ClaimAsync([new PartitionKey(Subscription.Id, partition)], default).GetAwaiter().GetResult().Claimed.ShouldHaveSingleItem();

    /// <summary>As on a primary that was demoted: sessions may only read.</summary>
    public async Task SetReadOnlyAsync(bool isReadOnly)
    {
        // Lanes hold sessions for long; the setting reaches those that begin anew.
        await Database.ExecuteAsync($"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {(isReadOnly ? "on" : "off")}', current_database()); END $$");
        _source.Clear();
    }

    /// <summary>Ends the lane's sessions in the server, and waits until they are gone.</summary>
    public async Task TerminateAsync()
    {
        const string Sessions = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'";
        await Database.ExecuteAsync($"SELECT pg_terminate_backend(pid) {Sessions}");
        await Eventually.HoldsAsync("sessions are gone", async () => await Database.ScalarAsync<long>($"SELECT count(*) {Sessions}") == 0);
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await _redriveConnection.DisposeAsync();
        await _source.DisposeAsync();
        await _services.DisposeAsync();
        if (!_isSecond)
            await Database.DisposeAsync();
    }

    private void Fence(Claim claim)
    {
        claim.End();
        Fenced.Add(claim);
    }

    private sealed class Decoder : IDeserializer<string>
    {
        public string Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) =>
            data.SequenceEqual("undecodable"u8) ? throw new FormatException("These bytes mean nothing.") : System.Text.Encoding.UTF8.GetString(data);
    }
}
