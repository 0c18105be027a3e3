using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Onceward.TestSupport;

/// <summary>Remembers what was logged, so that a test can wait for something that shows nowhere else.</summary>
public sealed class LogMemory : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _messages = new();

    public IEnumerable<string> Messages => _messages;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        ArgumentNullException.ThrowIfNull(formatter);
        var message = formatter(state, exception);
        _messages.Enqueue(exception is null ? message : $"{message}: {exception.Message}");
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
