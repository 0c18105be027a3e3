using Insurance.Contracts;
using Insurance.Policies;
using Onceward;

namespace Insurance.Billing;

/// <summary>Keeps the register of contracts, by the rules that underwriting decides by.</summary>
/// <remarks>
/// Guarantee: each event is one row of <c>billing.contract_event</c>, and each accepted one moves its contract, in the same transaction.
/// Order: that of the events of the policy. Premiums arrive on a topic of their own, so money may be booked a moment before or after the
/// register knows the event; neither reads the other.
/// </remarks>
internal sealed class ContractHandler : IBatchHandler<PolicyEvent>
{
    public async ValueTask HandleAsync(IReadOnlyList<Received<PolicyEvent>> records, BatchContext context, CancellationToken cancellationToken)
    {
        var kinds = records.Select(record => EventContract.KindOf(record)).ToArray();
        var ids = records.Select(record => record.Message.PolicyId).Distinct(StringComparer.Ordinal).ToArray();
        var contracts = await ContractStore.ReadAsync(context.Connection, context.Transaction, ids, cancellationToken);
        var changed = new HashSet<string>(StringComparer.Ordinal);
        var rows = new List<ContractEventRow>(records.Count);
        foreach (var (record, kind) in records.Zip(kinds))
        {
            var policyEvent = record.Message;
            var decision = PolicyRules.Decide(contracts.GetValueOrDefault(policyEvent.PolicyId), policyEvent);
            if (decision is Decision.Accepted(var state))
            {
                contracts[policyEvent.PolicyId] = state;
                changed.Add(policyEvent.PolicyId);
            }

            var reason = (decision as Decision.Rejected)?.Reason;
            rows.Add(new ContractEventRow(policyEvent.EventId, policyEvent.PolicyId, kind, reason, record.Position));
        }

        if (changed.Count > 0)
            context.Stage(ContractStore.Write(changed.Select(id => KeyValuePair.Create(id, contracts[id]))));
        context.Stage(ContractStore.Append(rows));
    }
}
