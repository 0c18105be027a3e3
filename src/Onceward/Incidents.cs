using Npgsql;
using Onceward.Operations;

namespace Onceward;

/// <summary>What was stopped, skipped or decided: look, and settle what nothing waits for any more.</summary>
/// <remarks>
/// <b>Guarantee:</b> settling changes nothing but the note. What still stands still because of it (a stopped partition, a held key, a channel)
/// is not settled here but by the operation that lets it go on, and that is refused with the name of the command.
/// </remarks>
public sealed class Incidents(NpgsqlDataSource database)
{
    private readonly IncidentOperations _operations = new(database);

    /// <summary>The incidents that match, the oldest first.</summary>
    public Task<IReadOnlyList<Incident>> ListAsync(IncidentFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return _operations.ListAsync(filter, cancellationToken);
    }

    /// <summary>Settles the open incidents that match.</summary>
    /// <returns>Each of them, and why it was refused if it was.</returns>
    public Task<IReadOnlyList<SettledIncident>> ResolveAsync(IncidentFilter filter, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(intervention);
        return _operations.ResolveAsync(filter, intervention, cancellationToken);
    }
}

/// <summary>Which incidents are meant. What is left out matches everything.</summary>
public sealed record IncidentFilter
{
    /// <summary>The number of one.</summary>
    public long? Id { get; init; }

    /// <summary>The kind, such as <c>log_diverged</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>The worker.</summary>
    public string? Worker { get; init; }

    /// <summary>The input topic.</summary>
    public string? Topic { get; init; }

    /// <summary>The partition.</summary>
    public int? Partition { get; init; }

    /// <summary>Whether those that are settled are listed too.</summary>
    public bool Settled { get; init; }

    /// <summary>Most that is listed or settled. Default: 100.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>A durable note of something that was stopped, skipped or decided.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Kind">What it is; the pages on operating have one line for each kind.</param>
/// <param name="Worker">Whose, if it is about a worker's topic.</param>
/// <param name="Topic">The input topic.</param>
/// <param name="Partition">The partition, if it is about one.</param>
/// <param name="From">The first offset it is about; of a channel, the number of a row.</param>
/// <param name="To">The offset behind the last.</param>
/// <param name="Detail">What a person needs to decide: a JSON object.</param>
/// <param name="At">When it was noted first.</param>
/// <param name="ResolvedBy">Who or what settled it; <see langword="null"/>: it is open.</param>
/// <param name="ResolvedAt">And when.</param>
public sealed record Incident(
    long Id, string Kind, string? Worker, string? Topic, int? Partition, long? From, long? To, string Detail, DateTimeOffset At, string? ResolvedBy, DateTimeOffset? ResolvedAt);

/// <summary>An incident that was settled, or would be, or not.</summary>
/// <param name="Incident">As it was before.</param>
/// <param name="Refusal">Why it stays open; <see langword="null"/>: it does not.</param>
public sealed record SettledIncident(Incident Incident, string? Refusal);
