using Confluent.Kafka;
using Insurance.Policies;
using Insurance.Sql;
using Npgsql;

namespace Insurance.Underwriting;

/// <summary>A row of <c>underwriting.decision</c>.</summary>
internal sealed record DecisionRow(string EventId, string PolicyId, string Kind, string? Reason, Kopecks? Amount, TopicPartitionOffset At);

/// <summary>The table <c>underwriting.decision</c>.</summary>
internal static class DecisionStore
{
    /// <summary>Appends rows in the order given, which is then that of their ids.</summary>
    public static NpgsqlBatchCommand Append(IReadOnlyList<DecisionRow> rows) => new(Insert)
    {
        Parameters =
        {
            rows.Column(row => row.EventId),
            rows.Column(row => row.PolicyId),
            rows.Column(row => row.Kind),
            rows.Column(row => row.Reason is null ? Decision.AcceptedText : Decision.RejectedText),
            rows.Column(row => row.Reason),
            rows.Column(row => row.Amount?.Value),
            rows.Column(row => row.At.Partition.Value),
            rows.Column(row => row.At.Offset.Value),
        },
    };

    private const string Insert = """
        INSERT INTO underwriting.decision (event_id, policy_id, kind, outcome, reason, premium_kopecks, partition, "offset")
        SELECT event_id, policy_id, kind, outcome, reason, premium, partition, "offset"
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
            AS row (event_id, policy_id, kind, outcome, reason, premium, partition, "offset", place)
        ORDER BY place
        """;
}
