namespace Onceward.Unit.Hosting;

/// <summary>Handlers that do nothing.</summary>
internal sealed class Ignore<T> : IHandler<T>
{
    public ValueTask HandleAsync(T message, RecordContext context, CancellationToken cancellationToken) => default;
}

/// <inheritdoc cref="Ignore{T}"/>
internal sealed class IgnoreAll<T> : IBatchHandler<T>
{
    public ValueTask HandleAsync(IReadOnlyList<Received<T>> records, BatchContext context, CancellationToken cancellationToken) => default;
}
