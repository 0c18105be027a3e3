using System.Diagnostics;
using Npgsql;

namespace Onceward.Bench.Load;

/// <summary>Asks PostgreSQL every other millisecond how far each partition is, as any reader could, and so knows when each record became visible.</summary>
/// <remarks>A record's row and its partition's position are committed together: who sees the position past it sees the row.</remarks>
/// <param name="database">Where the records go.</param>
/// <param name="load">When they were meant to be sent.</param>
/// <param name="partitions">Of the topic.</param>
/// <param name="positions">The query for each partition and its position.</param>
internal sealed class Watcher(NpgsqlDataSource database, OpenLoop load, int partitions, string positions) : IAsyncDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(2);

    private readonly long[] _seen = new long[partitions];
    private volatile List<float>? _latencies;
    private CancellationTokenSource? _stopping;
    private Task _watching = Task.CompletedTask;

    /// <summary>Watches, until it is to pause.</summary>
    public void Resume()
    {
        var stopping = _stopping = new CancellationTokenSource();
        _watching = Task.Factory.StartNew(() => Watch(stopping.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public async Task PauseAsync()
    {
        if (_stopping is null)
            return;
        await _stopping.CancelAsync();
        await _watching;
        _stopping.Dispose();
        _stopping = null;
    }

    /// <summary>How many records are sent and not visible.</summary>
    public long Lag => load.Sent - Seen;

    public long Seen => Enumerable.Range(0, partitions).Sum(p => Volatile.Read(ref _seen[p]));

    /// <summary>From here on latencies are kept, in milliseconds, each from the time when the record was meant to be sent.</summary>
    public List<float> Begin() => _latencies = [];

    public void End() => _latencies = null;

    /// <summary>Waits until everything that is sent by now is visible.</summary>
    public async Task CatchUpAsync(TimeSpan deadline)
    {
        var goal = load.Times.Select(t => t.Count).ToArray();
        var since = Stopwatch.GetTimestamp();
        while (Enumerable.Range(0, partitions).Any(p => Volatile.Read(ref _seen[p]) < goal[p]))
        {
            if (_watching.IsFaulted)
                await _watching;
            if (Stopwatch.GetElapsedTime(since) > deadline)
                throw new TimeoutException($"{Lag} records are not visible after {deadline.TotalSeconds} s.");
            await Task.Delay(s_tick);
        }
    }

    private void Watch(CancellationToken stopping)
    {
        using var connection = database.OpenConnection();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Look(connection);
            }
            // The worker installs its ledger when it starts.
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable)
            {
            }
            Thread.Sleep(s_tick);
        }
    }

    private void Look(NpgsqlConnection connection)
    {
        using var look = new NpgsqlCommand(positions, connection);
        using var reader = look.ExecuteReader();
        var found = new List<(int Partition, long Next)>(partitions);
        while (reader.Read())
            found.Add((reader.GetInt32(0), reader.GetInt64(1)));
        var now = Stopwatch.GetTimestamp();
        foreach (var (partition, next) in found)
        {
            var latencies = _latencies;
            for (var offset = _seen[partition]; latencies is not null && offset < next; offset++)
                latencies.Add((float)Stopwatch.GetElapsedTime(load.Times[partition][offset], now).TotalMilliseconds);
            Volatile.Write(ref _seen[partition], next);
        }
    }

    public async ValueTask DisposeAsync() => await PauseAsync();
}
