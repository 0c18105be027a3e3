using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Insurance.Grpc.Tests.Protocol;

/// <summary>Keeps what is logged.</summary>
public sealed class MemoryLog : ILoggerProvider, ILogger
{
    public ConcurrentQueue<(LogLevel Level, int EventId, string Text)> Entries { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Entries.Enqueue((logLevel, eventId.Id, $"{formatter(state, exception)} {exception}"));

    public void Dispose()
    {
    }
}
