using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;

namespace Insurance.Load.Journal;

/// <summary>Writes what was acknowledged to disk, in batches.</summary>
/// <remarks>
/// Guarantee: an event counts as acknowledged (<paramref name="onDurable"/>) only once its line is on disk, so what a run reports is never more
/// than its journal proves. A crash leaves whole lines and at most one piece of a line at the end, which the reader drops.
/// Bounds: a full queue holds the streams back. One writer of its own; adding is safe from any thread.
/// </remarks>
internal sealed class JournalWriter(Stream file, Action<int> onDurable) : IAsyncDisposable
{
    /// <summary>Two windows of eight streams.</summary>
    private const int Capacity = 4096;

    /// <summary>How long acknowledgements gather before they are forced to disk together: below what an eye notices, above what a disk needs.</summary>
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(20);

    private readonly Channel<JournalEntry> _queue = Channel.CreateBounded<JournalEntry>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ArrayBufferWriter<byte> _buffer = new(256 * 1024);

    /// <summary>Starts a journal that must not exist yet.</summary>
    public static JournalWriter Create(string directory, JournalHeader header, Action<int> onDurable)
    {
        try
        {
            Directory.CreateDirectory(directory);
            // Unbuffered: this class gathers lines itself, and nothing is left to be written when the file is closed.
            var file = new FileStream(JournalFiles.PathOf(directory, header.Run), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
            var writer = new JournalWriter(file, onDurable);
            writer.Append(new JournalLine { Header = header });
            writer.Force();
            return writer;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"No journal can be written in {directory}: {exception.Message}", exception);
        }
    }

    /// <summary>Waits while the queue is full.</summary>
    /// <exception cref="ChannelClosedException">Writing failed; <see cref="RunAsync"/> says why.</exception>
    public ValueTask AddAsync(JournalEntry entry, CancellationToken cancellationToken) => _queue.Writer.WriteAsync(entry, cancellationToken);

    /// <summary>No more entries come: <see cref="RunAsync"/> ends when those that are queued are on disk.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Writes until <see cref="Complete"/>.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync())
            {
                await Task.Delay(s_gather);
                var count = 0;
                for (; count < Capacity && _queue.Reader.TryRead(out var entry); count++)
                    Append(entry);
                Force();
                onDurable(count);
            }
        }
        catch (IOException exception)
        {
            _queue.Writer.TryComplete(exception);
            throw new ToolException($"The journal cannot be written: {exception.Message} The events acknowledged so far are in it.", exception);
        }
    }

    /// <summary>The last line, after <see cref="RunAsync"/> has ended.</summary>
    public void Finish(JournalFooter footer)
    {
        try
        {
            Append(new JournalLine { Footer = footer });
            Force();
        }
        catch (IOException exception)
        {
            throw new ToolException($"The journal's last line cannot be written: {exception.Message}", exception);
        }
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();

    private void Append(JournalEntry entry) => Append(new JournalLine
    {
        EventId = entry.EventId,
        PolicyId = entry.PolicyId,
        Partition = entry.Partition,
        Offset = entry.Offset,
        Kind = entry.Kind,
    });

    private void Append(JournalLine line)
    {
        using var json = new Utf8JsonWriter(_buffer);
        JsonSerializer.Serialize(json, line, JournalJson.Default.JournalLine);
        json.Flush();
        _buffer.Write("\n"u8);
    }

    private void Force()
    {
        file.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        if (file is FileStream onDisk)
            onDisk.Flush(flushToDisk: true);
    }
}
