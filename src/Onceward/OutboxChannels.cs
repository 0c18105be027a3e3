using Npgsql;
using Onceward.Operations;

namespace Onceward;

/// <summary>What a person may do about the outbox: look, and let a channel go on whose rows are not those that Kafka says were published.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> what goes on is published once, in order, from a new channel, of which Kafka knows nothing yet. Whether readers have seen a
/// message of it before is what the person decides by choosing the first row: Kafka's position says what was published, the table what is left.</para>
/// <para><b>Concurrency:</b> safe while workers and relays run. <b>Crash:</b> one transaction, with its incident.</para>
/// </remarks>
public sealed class OutboxChannels(NpgsqlDataSource database)
{
    private readonly ChannelOperations _operations = new(database);

    /// <summary>The channels that are used, of one worker or of all.</summary>
    public Task<IReadOnlyList<OutboxChannel>> ListAsync(string? worker = null, CancellationToken cancellationToken = default) =>
        _operations.ListAsync(worker, cancellationToken);

    /// <summary>Rows of a channel that wait or prove its position, in order.</summary>
    public Task<IReadOnlyList<WaitingMessage>> RowsAsync(int channel, int limit = 100, CancellationToken cancellationToken = default) =>
        _operations.RowsAsync(channel, limit, cancellationToken);

    /// <summary>Lets a channel that stands still go on with its row <paramref name="fromSeq"/>; rows before that leave the outbox unpublished.</summary>
    /// <exception cref="OncewardException">There is no such channel, or it does not stand still. Nothing was changed.</exception>
    public Task<ReleasedChannel> ReleaseAsync(int channel, long fromSeq, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromSeq);
        ArgumentNullException.ThrowIfNull(intervention);
        return _operations.ReleaseAsync(channel, fromSeq, intervention, cancellationToken);
    }
}

/// <summary>The messages of one partition of a worker's input, in order.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Application">Whose relay publishes it.</param>
/// <param name="Worker">The worker that writes it.</param>
/// <param name="Topic">Its input topic.</param>
/// <param name="Partition">The partition of that.</param>
/// <param name="NextSeq">The number that its next message will have.</param>
/// <param name="RelayedSeq">The first that is not known to be published: at most a second behind what Kafka says.</param>
/// <param name="StandsStill">Whether the relay has stopped it, with an incident <c>channel_diverged</c>.</param>
public sealed record OutboxChannel(int Id, string Application, string Worker, string Topic, int Partition, long NextSeq, long RelayedSeq, bool StandsStill);

/// <summary>A message in the outbox.</summary>
/// <param name="Seq">Its number in its channel.</param>
/// <param name="Topic">Where to.</param>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="At">When it was committed.</param>
public sealed record WaitingMessage(long Seq, string Topic, byte[]? Key, byte[]? Value, DateTimeOffset At);

/// <summary>What was, or would be, done to let a channel go on.</summary>
/// <param name="Channel">The channel, which is retired.</param>
/// <param name="Successor">The new one; in a dry run a number that is not kept.</param>
/// <param name="Published">How many rows it takes over, and the relay publishes.</param>
/// <param name="Dropped">How many leave the outbox unpublished.</param>
public sealed record ReleasedChannel(int Channel, int Successor, int Published, int Dropped);
