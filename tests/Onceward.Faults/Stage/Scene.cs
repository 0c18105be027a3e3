using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.Faults.Load;

namespace Onceward.Faults.Stage;

/// <summary>Everything that takes part in a run: servers, proxies, processes, topics, load.</summary>
internal sealed class Scene : IAsyncDisposable
{
    public const string Application = "faults";

    private static readonly TimeSpan s_topicTimeout = TimeSpan.FromSeconds(60);

    private readonly RunOptions _options;

    private Scene(RunOptions options, Store store)
    {
        (_options, Store) = (options, store);
        Producing = new Producing(options, Input, Journal);
        Transactions = new AbortedTransactions(options, Input, Journal);
        Postgres = new ServerProcess("postgres", new Npgsql.NpgsqlConnectionStringBuilder(options.Postgres).Port, options.State);
        Brokers = [.. options.Brokers.Select(b => new ServerProcess(b.Process, b.Port, options.State))];
        KafkaProxies = [.. options.Brokers.Select(b => new FaultProxy(b.Port, ClientNames.OfKafka, b.AdvertisedPort))];
        Workers = [.. Enumerable.Range(1, options.Workers).Select(i => Place($"worker-{i}", i))];
        Relays = [.. Enumerable.Range(1, options.Relays).Select(i => Place($"relay-{i}", i, isRelay: true))];
        Guest = Place("worker-guest", 0);
        Admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = options.Kafka, ClientId = "conductor" })
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    public string Input => "faults.in";

    public string Output => "faults.out";

    public string DeadLetters => "faults.in.dlq";

    public Store Store { get; }

    public Journal Journal { get; } = new();

    public Producing Producing { get; }

    public AbortedTransactions Transactions { get; }

    public Tally Tally { get; } = new();

    public ServerProcess Postgres { get; }

    public IReadOnlyList<ServerProcess> Brokers { get; }

    /// <summary>One for each broker, in the same order.</summary>
    public IReadOnlyList<FaultProxy> KafkaProxies { get; }

    public IReadOnlyList<Child> Workers { get; }

    public IReadOnlyList<Child> Relays { get; }

    /// <summary>A worker that comes and goes in rebalance storms.</summary>
    public Child Guest { get; }

    public IAdminClient Admin { get; }

    public List<string> UnexpectedExits { get; } = [];

    public IEnumerable<Child> Children => [.. Workers, .. Relays, Guest];

    public static async Task<Scene> CreateAsync(RunOptions options, CancellationToken cancellationToken)
    {
        var store = await Store.CreateAsync(options.Postgres, Producing.Keys.Concat(AbortedTransactions.Keys), cancellationToken);
        return new Scene(options, store);
    }

    /// <summary>
    /// A first worker installs the ledger while its topic is still missing, so that the audits are there before the first row; then topics, a backlog, and
    /// everybody else.
    /// </summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        Workers[0].Start();
        await Store.AuditAsync(cancellationToken);
        await CreateTopicsAsync(cancellationToken);
        await Producing.FillAsync(_options.Backlog, cancellationToken);
        foreach (var child in Workers.Skip(1).Concat(Relays))
            child.Start();
    }

    /// <summary>Whether the input has as many partitions now.</summary>
    public async Task<bool> TryGrowInputAsync(int partitions)
    {
        try
        {
            await Admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = Input, IncreaseTo = partitions }]);
            return true;
        }
        catch (CreatePartitionsException e) when (e.Results.TrueForAll(r => r.Error.Code is ErrorCode.InvalidPartitions))
        {
            return true; // An earlier try, whose answer was lost.
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Children.Select(c => c.DisposeAsync().AsTask()));
        foreach (var proxy in KafkaProxies)
            await proxy.DisposeAsync();
        Producing.Dispose();
        Transactions.Dispose();
        Admin.Dispose();
        await Store.DisposeAsync();
    }

    private Child Place(string name, int number, bool isRelay = false)
    {
        // Handlers of both kinds; and owners whose frozen transactions the server ends soon, and others whose swap must fence them.
        var plan = new WorkerPlan(
            Store.ConnectionString, _options.Kafka, Application, Input, Output, DeadLetters, name, !isRelay, isRelay, RecordByRecord: number % 3 == 0,
            TimeSpan.FromSeconds(number % 2 == 0 ? 4 : 30));
        return new Child(plan, _options, Tally, UnexpectedExits);
    }

    private async Task CreateTopicsAsync(CancellationToken cancellationToken)
    {
        TopicSpecification Topic(string name, int partitions) => new() { Name = name, NumPartitions = partitions, ReplicationFactor = (short)_options.Replicas };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_topicTimeout);
        while (true)
        {
            try
            {
                await Admin.CreateTopicsAsync([Topic(Input, RunOptions.Partitions), Topic(Output, RunOptions.OutputPartitions), Topic(DeadLetters, 2)]);
                return;
            }
            catch (CreateTopicsException e) when (e.Results.TrueForAll(r => !r.Error.IsError || r.Error.Code is ErrorCode.TopicAlreadyExists))
            {
                return;
            }
            catch (KafkaException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), patience.Token);
            }
        }
    }
}
