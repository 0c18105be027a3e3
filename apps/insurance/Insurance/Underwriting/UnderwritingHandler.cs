using Insurance.Contracts;
using Insurance.Policies;
using Onceward;

namespace Insurance.Underwriting;

/// <summary>Decides on policy events and prices the accepted ones.</summary>
/// <remarks>
/// Guarantee: each event is one row of <c>underwriting.decision</c>; each accepted one moves its policy and causes one premium, in the same
/// transaction. Order: a policy's events are one partition's, and so decided in the order they were published. One read and two writes serve
/// a batch of any size; the writes travel with the offsets. A crash before COMMIT leaves nothing.
/// </remarks>
internal sealed class UnderwritingHandler : IBatchHandler<PolicyEvent>
{
    public async ValueTask HandleAsync(IReadOnlyList<Received<PolicyEvent>> records, BatchContext context, CancellationToken cancellationToken)
    {
        var kinds = records.Select(record => EventContract.KindOf(record)).ToArray();
        var ids = records.Select(record => record.Message.PolicyId).Distinct(StringComparer.Ordinal).ToArray();
        var policies = await PolicyStore.ReadAsync(context.Connection, context.Transaction, ids, cancellationToken);
        var changed = new HashSet<string>(StringComparer.Ordinal);
        var rows = new List<DecisionRow>(records.Count);
        foreach (var (record, kind) in records.Zip(kinds))
        {
            var policyEvent = record.Message;
            var policy = policies.GetValueOrDefault(policyEvent.PolicyId);
            switch (PolicyRules.Decide(policy?.State, policyEvent))
            {
                case Decision.Accepted(var state):
                    var quote = QuoteFor(policyEvent, state, policy);
                    // A refund does not change what the term had cost.
                    var premium = policyEvent.Cancelled is null ? quote.Amount : policy!.Premium;
                    policies[policyEvent.PolicyId] = new Policy(policyEvent.PolicyId, state, premium);
                    changed.Add(policyEvent.PolicyId);
                    rows.Add(new DecisionRow(policyEvent.EventId, policyEvent.PolicyId, kind, Reason: null, quote.Amount, record.Position));
                    Publish(record, quote, context);
                    break;
                case Decision.Rejected(var reason):
                    rows.Add(new DecisionRow(policyEvent.EventId, policyEvent.PolicyId, kind, reason, Amount: null, record.Position));
                    break;
            }
        }

        if (changed.Count > 0)
            context.Stage(PolicyStore.Write(changed.Select(id => policies[id])));
        context.Stage(DecisionStore.Append(rows));
    }

    private static Quote QuoteFor(PolicyEvent policyEvent, PolicyState state, Policy? before) => policyEvent.KindCase switch
    {
        PolicyEvent.KindOneofCase.Issued => Tariff.Price(policyEvent.Issued.Terms),
        PolicyEvent.KindOneofCase.Renewed => Tariff.Price(policyEvent.Renewed.Terms),
        _ => Tariff.Refund(state, before!.Premium),
    };

    private static void Publish(in Received<PolicyEvent> cause, Quote quote, BatchContext context)
    {
        var premium = Premiums.Of(cause.Message, quote);
        context.Publish(cause, Topology.AutoPremiums.Name, premium.PolicyId, premium, premium.EventId);
    }
}
