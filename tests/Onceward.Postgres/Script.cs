namespace Onceward.Postgres;

/// <summary>What the handlers of a test do.</summary>
internal sealed class Script
{
    /// <summary>Called for each record.</summary>
    public Func<string, RecordContext, CancellationToken, ValueTask> Each { get; set; } = (value, context, _) =>
    {
        context.StageEffect(value);
        return ValueTask.CompletedTask;
    };

    /// <summary>Called for many records by a set-based handler.</summary>
    public Func<IReadOnlyList<Received<string>>, BatchContext, CancellationToken, ValueTask> Many { get; set; } = (records, context, _) =>
    {
        foreach (var (value, source) in records)
            context.Stage(Effect.Insert(source, value));
        return ValueTask.CompletedTask;
    };

    /// <summary>Every call, as "partition:offset".</summary>
    public List<string> Calls { get; } = [];

    /// <summary>What the service scopes of the attempts gave to handlers, the newest last.</summary>
    public List<Scoped> Scopes { get; } = [];
}

/// <summary>Does what the script says, record by record.</summary>
internal sealed class ScriptedHandler(Script script, Scoped scoped) : IHandler<string>
{
    public ValueTask HandleAsync(string message, RecordContext context, CancellationToken cancellationToken)
    {
        scoped.Use();
        script.Calls.Add($"{context.Record.Partition.Value}:{context.Record.Offset.Value}");
        return script.Each(message, context, cancellationToken);
    }
}

/// <summary>Does what the script says, many records at a time.</summary>
internal sealed class ScriptedBatchHandler(Script script, Scoped scoped) : IBatchHandler<string>
{
    public ValueTask HandleAsync(IReadOnlyList<Received<string>> records, BatchContext context, CancellationToken cancellationToken)
    {
        scoped.Use();
        script.Calls.Add(string.Join(' ', records.Select(r => $"{r.Position.Partition.Value}:{r.Position.Offset.Value}")));
        return script.Many(records, context, cancellationToken);
    }
}

/// <summary>Something that a handler gets from its service scope.</summary>
internal sealed class Scoped : IDisposable
{
    public Scoped(Script script) => script.Scopes.Add(this);

    /// <summary>Set by a test whose scope fails to close.</summary>
    public bool FailsToClose { get; set; }

    public bool IsClosed { get; private set; }

    public void Use() => ObjectDisposedException.ThrowIf(IsClosed, this);

    public void Dispose()
    {
        IsClosed = true;
        if (FailsToClose)
            throw new InvalidOperationException("The scope does not close.");
    }
}
