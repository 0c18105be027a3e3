using Confluent.Kafka;
using Insurance.Contracts;
using Insurance.Policies;
using Npgsql;
using Onceward;

namespace Insurance.Billing;

/// <summary>Books premiums: two entries that add up to 0, and the balances they move.</summary>
/// <remarks>
/// Guarantee: each premium is booked once. Nothing here would notice a second time: the entries have no key, the balances are added to. It
/// reads nothing, so all its writes travel with the offsets, one round trip for a whole batch.
/// </remarks>
internal sealed class PremiumHandler : IHandler<Premium>
{
    public ValueTask HandleAsync(Premium message, RecordContext context, CancellationToken cancellationToken)
    {
        var at = context.Record.TopicPartitionOffset;
        if (message.EventId.Length == 0 || message.SourceEventId.Length == 0 || message.PolicyId.Length == 0)
            throw new MalformedRecordException(at, "has no event_id, source_event_id or policy_id");
        var posting = Posting.Of(message) ?? throw new MalformedRecordException(at, $"is a premium of kind {message.Kind} over {message.AmountKopecks} kopecks");
        context.Stage(Book(message, posting, at));
        context.Stage(Balance(message.PolicyId, posting));
        return ValueTask.CompletedTask;
    }

    private static NpgsqlBatchCommand Book(Premium premium, Posting posting, TopicPartitionOffset at) => new(InsertEntries)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = premium.EventId },
            new NpgsqlParameter<string> { TypedValue = premium.SourceEventId },
            new NpgsqlParameter<string> { TypedValue = premium.PolicyId },
            new NpgsqlParameter<string> { TypedValue = posting.Debit },
            new NpgsqlParameter<string> { TypedValue = posting.Credit },
            new NpgsqlParameter<long> { TypedValue = posting.Amount.Value },
            new NpgsqlParameter<int> { TypedValue = at.Partition.Value },
            new NpgsqlParameter<long> { TypedValue = at.Offset.Value },
        },
    };

    private static NpgsqlBatchCommand Balance(string policyId, Posting posting) => new(MoveBalances)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = policyId },
            new NpgsqlParameter<string> { TypedValue = posting.Debit },
            new NpgsqlParameter<string> { TypedValue = posting.Credit },
            new NpgsqlParameter<long> { TypedValue = posting.Amount.Value },
        },
    };

    private const string InsertEntries = """
        INSERT INTO billing.entry (premium_event_id, source_event_id, policy_id, account, amount_kopecks, partition, "offset")
        VALUES ($1, $2, $3, $4, $6, $7, $8), ($1, $2, $3, $5, -$6, $7, $8)
        """;

    private const string MoveBalances = """
        INSERT INTO billing.balance AS present (policy_id, account, balance_kopecks)
        VALUES ($1, $2, $4), ($1, $3, -$4)
        ON CONFLICT (policy_id, account) DO UPDATE SET balance_kopecks = present.balance_kopecks + excluded.balance_kopecks
        """;
}
