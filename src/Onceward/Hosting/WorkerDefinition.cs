using Onceward.Handling;

namespace Onceward.Hosting;

/// <summary>What a worker was told to do, before anything is running.</summary>
internal sealed record WorkerDefinition(string Name, IReadOnlyList<SubscriptionDefinition> Subscriptions, string? RenamedFrom);

/// <summary>One topic of a worker; the handler's pipeline is made once the serializers are known.</summary>
internal sealed record SubscriptionDefinition(string Topic, Func<ISerdes, Subscription> Create);
