using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Onceward.Faults;

/// <summary>
/// Tells the conductor on standard output what happens here: <c>@event ID</c> for each log message, <c>@count NAME DELTA</c> for each instrument, and
/// the log itself. At once, because the process may be killed at any moment.
/// </summary>
internal sealed class Telemetry : ILoggerProvider
{
    public const string EventMark = "@event ";
    public const string CountMark = "@count ";

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _deltas = new(StringComparer.Ordinal);
    private readonly Timer _timer;

    public Telemetry()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is Counter<long> && instrument.Meter.Name == "Onceward")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, delta, _, _) => _deltas.AddOrUpdate(instrument.Name, delta, (_, sum) => sum + delta));
        _listener.Start();
        _timer = new Timer(_ => Flush(), null, s_interval, s_interval);
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void Dispose()
    {
        _timer.Dispose();
        _listener.Dispose();
        Flush();
    }

    private void Flush()
    {
        foreach (var name in _deltas.Keys)
            if (_deltas.TryRemove(name, out var delta) && delta != 0)
                Write($"{CountMark}{name} {delta}");
    }

    private void Write(string line)
    {
        lock (_lock)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }

    private sealed class Logger(Telemetry telemetry) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            if (eventId.Id != 0)
                telemetry.Write($"{EventMark}{eventId.Id}");
            var cause = exception is null ? "" : $" | {exception.GetType().Name}: {exception.Message} {exception.InnerException?.Message}".ReplaceLineEndings(" ");
            telemetry.Write($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {logLevel} {eventId.Id} {formatter(state, exception).ReplaceLineEndings(" ")}{cause}");
        }
    }
}
