using Npgsql;

namespace Onceward.Faults.Stage;

/// <summary>The run's database, past all proxies: tables for the effects, audits, and the questions that faults ask.</summary>
internal sealed class Store : IAsyncDisposable
{
    private const string Database = "faults";

    // Nothing a fault asks may take longer than the fault.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource _source;

    private Store(string connectionString) => (ConnectionString, _source) = (connectionString, NpgsqlDataSource.Create(connectionString));

    public string ConnectionString { get; }

    public static async Task<Store> CreateAsync(string server, IEnumerable<string> accounts, CancellationToken cancellationToken)
    {
        await using (var admin = NpgsqlDataSource.Create(server))
        {
            await using var drop = admin.CreateCommand($"DROP DATABASE IF EXISTS {Database} WITH (FORCE)");
            await drop.ExecuteNonQueryAsync(cancellationToken);
            await using var create = admin.CreateCommand($"CREATE DATABASE {Database}");
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        var settings = new NpgsqlConnectionStringBuilder(server) { Database = Database, ApplicationName = "conductor", Timeout = 5 };
        var store = new Store(settings.ConnectionString);
        await store.ExecuteAsync(Tables, cancellationToken);
        await using var insert = store._source.CreateCommand("INSERT INTO account SELECT key, 0 FROM unnest($1) AS key");
        insert.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. accounts] });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        return store;
    }

    /// <summary>Waits for a worker to install the ledger, and sets triggers on it before there is a row to miss.</summary>
    public async Task AuditAsync(CancellationToken cancellationToken)
    {
        while (await AskAsync<bool>("SELECT to_regclass('onceward.parked_record') IS NULL", cancellationToken))
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        await ExecuteAsync(Audits, cancellationToken);
    }

    public NpgsqlCommand Command(string sql) => _source.CreateCommand(sql);

    /// <summary>Asks until there is an answer: the server may be restarting.</summary>
    public async Task<T> AskAsync<T>(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await using var command = _source.CreateCommand(sql);
                foreach (var parameter in parameters)
                    command.Parameters.Add(parameter.Clone());
                return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException && TimeProvider.System.GetElapsedTime(since) < s_patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
            }
        }
    }

    /// <summary>How many partitions a process has claimed, as far as the ledger knows.</summary>
    public Task<long> PartitionsOfAsync(int? pid, CancellationToken cancellationToken) => AskAsync<long>(
        "SELECT count(*) FROM onceward.consumer_offset WHERE owner LIKE '%/' || $1::text", cancellationToken, new NpgsqlParameter<int> { TypedValue = pid ?? 0 });

    public Task<long> CountAsync(string from, CancellationToken cancellationToken) => AskAsync<long>($"SELECT count(*) FROM {from}", cancellationToken);

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // No unique index on the ledger: what is applied twice is there twice.
    private const string Tables = """
        CREATE TABLE account (key text PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 30);
        CREATE TABLE ledger (
            id bigint GENERATED ALWAYS AS IDENTITY, partition int NOT NULL, "offset" bigint NOT NULL, key text NOT NULL, seq bigint NOT NULL, amount bigint NOT NULL,
            transaction bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint);
        CREATE TABLE offset_history (
            id bigint GENERATED ALWAYS AS IDENTITY, partition int NOT NULL, old_next bigint, new_next bigint, old_epoch bigint, new_epoch bigint,
            state text, session text NOT NULL DEFAULT current_setting('application_name'), transaction bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint);
        CREATE TABLE parked_history (partition int NOT NULL, "offset" bigint NOT NULL);
        """;

    // Numbers are given while the offset's row is locked, so that their order is the order of the chain.
    private const string Audits = """
        CREATE FUNCTION note_offset() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO public.offset_history (partition, new_next, new_epoch, state) VALUES (NEW.partition, NEW.next_offset, NEW.epoch, NEW.state);
            ELSIF TG_OP = 'DELETE' THEN
                INSERT INTO public.offset_history (partition, old_next, old_epoch, new_next, new_epoch, state) VALUES (OLD.partition, OLD.next_offset, OLD.epoch, -1, -1, 'deleted');
            ELSE
                INSERT INTO public.offset_history (partition, old_next, new_next, old_epoch, new_epoch, state)
                VALUES (NEW.partition, OLD.next_offset, NEW.next_offset, OLD.epoch, NEW.epoch, NEW.state);
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_offset AFTER INSERT OR UPDATE OR DELETE ON onceward.consumer_offset FOR EACH ROW EXECUTE FUNCTION note_offset();
        CREATE FUNCTION note_parked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.parked_history VALUES (NEW.partition, NEW."offset");
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_parked AFTER INSERT ON onceward.parked_record FOR EACH ROW EXECUTE FUNCTION note_parked();
        """;
}
