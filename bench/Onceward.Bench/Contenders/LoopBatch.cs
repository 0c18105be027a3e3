using Npgsql;

namespace Onceward.Bench.Contenders;

/// <summary>The columns of a batch of the hand-written loop, bound for good to a prepared batch of statements.</summary>
internal sealed class LoopBatch : IDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly int _capacity;
    private readonly long[] _positions;
    private readonly int[] _slots;
    private readonly List<int> _partitions = [];
    private readonly List<long> _offsets = [];
    private readonly List<long> _amounts = [];
    private readonly List<byte[]> _payloads = [];
    private readonly List<int> _moving = [];
    private readonly List<long> _expected = [];
    private readonly List<long> _until = [];
    private readonly NpgsqlBatch _batch;

    /// <param name="connection">Where it is written; one batch at a time.</param>
    /// <param name="capacity">Most records.</param>
    /// <param name="positions">Of all partitions; moved as records are added, so both batches of a pipe share them.</param>
    public LoopBatch(NpgsqlConnection connection, int capacity, long[] positions)
    {
        (_connection, _capacity, _positions) = (connection, capacity, positions);
        _slots = new int[positions.Length];
        _batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(Event.InsertMany)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<List<int>> { TypedValue = _partitions },
                        new NpgsqlParameter<List<long>> { TypedValue = _offsets },
                        new NpgsqlParameter<List<long>> { TypedValue = _amounts },
                        new NpgsqlParameter<List<byte[]>> { TypedValue = _payloads, NpgsqlDbType = Event.ByteaArray },
                    },
                },
                new NpgsqlBatchCommand(LoopLedger.SwapMany)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<List<int>> { TypedValue = _moving },
                        new NpgsqlParameter<List<long>> { TypedValue = _expected },
                        new NpgsqlParameter<List<long>> { TypedValue = _until },
                    },
                },
            },
        };
        _batch.Prepare();
    }

    public int Count => _offsets.Count;

    public bool IsFull => Count >= _capacity;

    public void Add(int partition, long offset, byte[] payload)
    {
        if (_slots[partition] == 0)
        {
            _moving.Add(partition);
            _expected.Add(_positions[partition]);
            _until.Add(0);
            _slots[partition] = _moving.Count;
        }
        _until[_slots[partition] - 1] = _positions[partition] = offset + 1;
        _partitions.Add(partition);
        _offsets.Add(offset);
        _amounts.Add(Event.Amount(payload));
        _payloads.Add(payload);
    }

    public async Task WriteAsync()
    {
        await using var transaction = await _connection.BeginTransactionAsync();
        _batch.Transaction = transaction;
        await _batch.ExecuteNonQueryAsync();
        if (_batch.BatchCommands[1].RecordsAffected != _moving.Count)
            throw new InvalidOperationException("Someone else moved the offset rows.");
        await transaction.CommitAsync();
    }

    public void Clear()
    {
        _partitions.Clear();
        _offsets.Clear();
        _amounts.Clear();
        _payloads.Clear();
        _moving.Clear();
        _expected.Clear();
        _until.Clear();
        Array.Clear(_slots);
    }

    public void Dispose() => _batch.Dispose();
}
