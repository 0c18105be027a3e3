using Npgsql;
using Onceward.Operations;

namespace Onceward;

/// <summary>What a person may do about dead letters: look, send back, discard, edit.</summary>
/// <remarks>
/// <para><b>Order:</b> a dead letter goes back to its old place in its key. Where a later record of the key was applied since, or the ledger cannot
/// rule that out because the key has gone on, that would break the order of the key, and is refused unless forced.</para>
/// <para><b>Concurrency:</b> safe while workers run. <b>Crash:</b> one transaction for each letter.</para>
/// </remarks>
public sealed class DeadLetters(NpgsqlDataSource database)
{
    private readonly DeadLetterOperations _operations = new(database);

    /// <summary>The letters that match, the oldest first.</summary>
    public Task<IReadOnlyList<DeadLetterInfo>> ListAsync(SetAsideFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return _operations.ListAsync(filter, cancellationToken);
    }

    /// <summary>What became of a letter, a line for each event.</summary>
    public Task<IReadOnlyList<string>> HistoryAsync(long id, CancellationToken cancellationToken = default) => _operations.HistoryAsync(id, cancellationToken);

    /// <summary>Sends the letters that match back to their keys, where a worker applies them. Letters of one key go in their order.</summary>
    public async Task<IReadOnlyList<Outcome>> RetryAsync(SetAsideFilter filter, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        var outcomes = new List<Outcome>();
        foreach (var letter in await ListAsync(filter, cancellationToken).ConfigureAwait(false))
            outcomes.Add(Of(letter, await _operations.SendBackAsync(letter, intervention, cancellationToken).ConfigureAwait(false)));
        return outcomes;
    }

    /// <summary>Says of the letters that match that they shall never be applied. Their bytes stay.</summary>
    public async Task<IReadOnlyList<Outcome>> DiscardAsync(SetAsideFilter filter, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        var outcomes = new List<Outcome>();
        foreach (var letter in await ListAsync(filter, cancellationToken).ConfigureAwait(false))
            outcomes.Add(Of(letter, await _operations.ChangeAsync(letter, null, intervention, cancellationToken).ConfigureAwait(false)));
        return outcomes;
    }

    /// <summary>Replaces the value of an open letter. The value that came from Kafka is kept beside it.</summary>
    /// <exception cref="OncewardException">There is no such letter.</exception>
    public async Task<Outcome> EditAsync(long id, byte[] value, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(intervention);
        var letters = await ListAsync(new SetAsideFilter { Id = id }, cancellationToken).ConfigureAwait(false);
        return letters is [var letter]
            ? Of(letter, await _operations.ChangeAsync(letter, value, intervention, cancellationToken).ConfigureAwait(false))
            : throw new OncewardException(ErrorCodes.Operation, $"There is no dead letter {id}. Nothing was changed.");
    }

    private static Outcome Of(DeadLetterInfo letter, Verdict verdict) =>
        new(letter.Worker, letter.Topic, letter.Key, $"{letter.Partition}@{letter.Offset}", verdict);
}
