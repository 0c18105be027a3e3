using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Onceward.Handling;

namespace Onceward.Hosting;

/// <summary>Says what a worker reads and what it does with it.</summary>
public sealed class WorkerBuilder
{
    private readonly string _name;
    private readonly IServiceCollection _services;
    private readonly List<SubscriptionBuilder> _subscriptions = [];
    private string? _renamedFrom;

    internal WorkerBuilder(string name, IServiceCollection services) => (_name, _services) = (name, services);

    internal Action<WorkerOptions>? Options { get; private set; }

    /// <summary>Reads a topic. What follows in the chain is about this topic, up to the next <c>From</c>.</summary>
    public SubscriptionBuilder From(string topic)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(topic);
        var subscription = new SubscriptionBuilder(this, _services, topic);
        _subscriptions.Add(subscription);
        return subscription;
    }

    /// <summary>Changes settings of this worker.</summary>
    public WorkerBuilder Configure(Action<WorkerOptions> configure)
    {
        Options += configure;
        return this;
    }

    /// <summary>
    /// The name that this worker had before: its offsets, its remembered event ids and its channels come along on the first start under the new name, and
    /// whoever still runs under the old one is fenced. Harmless when that has happened.
    /// </summary>
    public WorkerBuilder RenamedFrom(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        _renamedFrom = name;
        return this;
    }

    internal WorkerDefinition Build()
    {
        if (_subscriptions.Count == 0)
            throw new OncewardException(ErrorCodes.Configuration, $"Worker '{_name}' reads no topic: call From(topic).");
        var twice = _subscriptions.GroupBy(s => s.Topic).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
            throw new OncewardException(ErrorCodes.Configuration, $"Worker '{_name}' reads topic '{twice.Key}' twice: one handler applies a topic.");
        return new WorkerDefinition(_name, [.. _subscriptions.Select(s => s.Build(_name))], _renamedFrom);
    }
}

/// <summary>Says how one topic is handled.</summary>
public sealed class SubscriptionBuilder
{
    private readonly WorkerBuilder _worker;
    private readonly IServiceCollection _services;
    private readonly RetryOptions _retry = new();
    private Func<SubscriptionSettings, ISerdes, Subscription>? _create;
    private Delegate? _dedupeBy;
    private string? _deadLetterTopic;
    private string? _adoptGroup;
    private StartAt _startAt = Onceward.StartAt.Earliest;

    internal SubscriptionBuilder(WorkerBuilder worker, IServiceCollection services, string topic) =>
        (_worker, _services, Topic) = (worker, services, topic);

    internal string Topic { get; }

    /// <summary>The container being built, for packages that bring handlers of their own kind.</summary>
    public IServiceCollection Services => _services;

    /// <summary>Applies each record with a <typeparamref name="THandler"/>, created anew from a service scope for every attempt at a batch.</summary>
    public SubscriptionBuilder Handle<TMessage, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : class, IHandler<TMessage>
    {
        _services.TryAddScoped<THandler>();
        return Applies((settings, serdes) => new RecordSubscription<TMessage, THandler>(settings, serdes.DeserializerOf<TMessage>(), Dedupe<TMessage>()));
    }

    /// <summary>Applies records many at a time with a <typeparamref name="THandler"/>, created anew from a service scope for every attempt.</summary>
    public SubscriptionBuilder HandleBatch<TMessage, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : class, IBatchHandler<TMessage>
    {
        _services.TryAddScoped<THandler>();
        return Applies((settings, serdes) => new BatchSubscription<TMessage, THandler>(settings, serdes.DeserializerOf<TMessage>(), Dedupe<TMessage>()));
    }

    /// <summary>
    /// Drops a record whose id this subscription has applied before: a client's retry under the same id. Ids are remembered in <c>seen_event</c>,
    /// in the transaction of the effects.
    /// </summary>
    /// <param name="eventId">The id; <see langword="null"/> for a message that is never a repetition.</param>
    public SubscriptionBuilder DedupeBy<TMessage>(Func<TMessage, string?> eventId)
    {
        _dedupeBy = eventId;
        return this;
    }

    /// <summary>How often and how soon a failed record is tried again.</summary>
    public SubscriptionBuilder Retry(Action<RetryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(_retry);
        return this;
    }

    /// <summary>Publishes dead letters to <paramref name="topic"/> too; the table <c>dead_letter</c> always has them.</summary>
    public SubscriptionBuilder DeadLetterTo(string topic)
    {
        _deadLetterTopic = topic;
        return this;
    }

    /// <summary>Where to begin on a topic that the ledger does not know. Default: the oldest record.</summary>
    public SubscriptionBuilder StartAt(StartAt position)
    {
        _startAt = position;
        return this;
    }

    /// <summary>
    /// Begins where the Kafka group <paramref name="group"/> has committed, on the first start only: how an existing consumer moves over without a gap.
    /// The group must have no members left. Partitions without a commit begin by <see cref="StartAt"/>.
    /// </summary>
    public SubscriptionBuilder AdoptGroup(string group)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(group);
        _adoptGroup = group;
        return this;
    }

    /// <summary>Reads one topic more with the same worker.</summary>
    public SubscriptionBuilder From(string topic) => _worker.From(topic);

    /// <summary>Changes settings of the worker.</summary>
    public WorkerBuilder Configure(Action<WorkerOptions> configure) => _worker.Configure(configure);

    internal SubscriptionDefinition Build(string worker)
    {
        var create = _create ?? throw new OncewardException(
            ErrorCodes.Configuration, $"Worker '{worker}' reads topic '{Topic}' but does not handle it: call Handle or HandleBatch.");
        foreach (var name in (string?[])[Topic, _deadLetterTopic])
            if (name is not null && !TopicName.IsLegal(name))
                throw new OncewardException(
                    ErrorCodes.Configuration, $"Worker '{worker}' names '{name}', which cannot be a topic: 1 to 249 letters, digits, '.', '_' and '-'.");
        if (_deadLetterTopic == Topic)
            throw new OncewardException(
                ErrorCodes.Configuration, $"Worker '{worker}' would publish the dead letters of '{Topic}' to the same topic and fail on them again, for ever. Name another.");
        var settings = new SubscriptionSettings(worker, Topic, _retry, _deadLetterTopic, _startAt, _adoptGroup);
        return new SubscriptionDefinition(Topic, serdes => create(settings, serdes));
    }

    private SubscriptionBuilder Applies(Func<SubscriptionSettings, ISerdes, Subscription> create)
    {
        if (_create is not null)
            throw new OncewardException(ErrorCodes.Configuration, $"Topic '{Topic}' has a handler already: one handler applies a topic.");
        _create = create;
        return this;
    }

    private Func<TMessage, string?>? Dedupe<TMessage>() => _dedupeBy switch
    {
        null => null,
        Func<TMessage, string?> match => match,
        _ => throw new OncewardException(ErrorCodes.Configuration, $"DedupeBy of topic '{Topic}' is about another message type than its handler."),
    };
}
