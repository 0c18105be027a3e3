using Insurance.Contracts;
using Insurance.Hosting;
using Insurance.Policies;
using Insurance.Workers;
using Onceward.Hosting;

namespace Insurance.Billing;

/// <summary>Adds billing to the process.</summary>
internal static class BillingRole
{
    public static void Add(RoleHost host) => WorkerRoles.Add(host, Topology.Workers.Billing, AddTo);

    public static void AddTo(OncewardBuilder onceward) => onceward.AddWorker(Topology.Workers.Billing, worker => worker
        .From(Topology.AutoEvents.Name)
        .HandleBatch<PolicyEvent, ContractHandler>()
        .DedupeBy<PolicyEvent>(policyEvent => EventContract.RepetitionId(policyEvent.EventId))
        .Retry(WorkerRoles.Retry)
        .DeadLetterTo(Topology.AutoEvents.DeadLetters.Name)
        .From(Topology.AutoPremiums.Name)
        .Handle<Premium, PremiumHandler>()
        .DedupeBy<Premium>(premium => EventContract.RepetitionId(premium.EventId))
        .Retry(WorkerRoles.Retry)
        .DeadLetterTo(Topology.AutoPremiums.DeadLetters.Name));
}
