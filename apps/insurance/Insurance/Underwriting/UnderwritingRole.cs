using Insurance.Contracts;
using Insurance.Hosting;
using Insurance.Policies;
using Insurance.Workers;
using Onceward.Hosting;

namespace Insurance.Underwriting;

/// <summary>Adds underwriting to the process.</summary>
internal static class UnderwritingRole
{
    public static void Add(RoleHost host) => WorkerRoles.Add(host, Topology.Workers.Underwriting, AddTo);

    public static void AddTo(OncewardBuilder onceward) => onceward.AddWorker(Topology.Workers.Underwriting, worker => worker
        .From(Topology.AutoEvents.Name)
        .HandleBatch<PolicyEvent, UnderwritingHandler>()
        .DedupeBy<PolicyEvent>(policyEvent => EventContract.RepetitionId(policyEvent.EventId))
        .Retry(WorkerRoles.Retry)
        .DeadLetterTo(Topology.AutoEvents.DeadLetters.Name));
}
