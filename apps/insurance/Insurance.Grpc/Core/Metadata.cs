using System.Buffers;
using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Grpc.Core;

/// <summary>Headers or trailers of a call, in order; a key may occur more than once.</summary>
/// <remarks>A key that ends in <c>-bin</c> holds bytes, any other printable ASCII text. Not safe for concurrent change.</remarks>
[SuppressMessage("Naming", "CA1710", Justification = "The name that gRPC gives it.")]
public sealed class Metadata : IReadOnlyCollection<Metadata.Entry>
{
    public const string BinaryHeaderSuffix = "-bin";

    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;

    public void Add(Entry entry) => _entries.Add(entry);

    public void Add(string key, string value) => Add(new Entry(key, value));

    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    public Entry? Get(string key) => _entries.FindLast(entry => string.Equals(entry.Key, key, StringComparison.OrdinalIgnoreCase));

    public string? GetValue(string key) => Get(key)?.Value;

    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    public IEnumerable<Entry> GetAll(string key) =>
        _entries.Where(entry => string.Equals(entry.Key, key, StringComparison.OrdinalIgnoreCase));

    public IEnumerator<Entry> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>One key and its value.</summary>
    public sealed class Entry
    {
        private readonly string? _text;
        private readonly byte[]? _bytes;

        public Entry(string key, string value)
        {
            Key = NormalizeKey(key);
            if (IsBinary)
                throw new ArgumentException($"The value of '{Key}' must be bytes: its key ends in '-bin'.", nameof(value));
            if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
                throw new ArgumentException($"The value of '{Key}' must be printable ASCII; other text needs a '-bin' key.", nameof(value));
            _text = value;
        }

        public Entry(string key, byte[] valueBytes)
        {
            Key = NormalizeKey(key);
            if (!IsBinary)
                throw new ArgumentException($"The value of '{Key}' must be text: its key does not end in '-bin'.", nameof(valueBytes));
            _bytes = valueBytes;
        }

        public string Key { get; }

        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        public string Value => _text ?? throw new InvalidOperationException($"'{Key}' holds bytes: read ValueBytes.");

        public byte[] ValueBytes => _bytes ?? Encoding.ASCII.GetBytes(_text!);

        // Values may be credentials: only the key is shown.
        public override string ToString() => $"[Entry: key={Key}]";

        private static string NormalizeKey(string key)
        {
#pragma warning disable CA1308 // HTTP/2 demands lower-case names (RFC 9113, 8.2.1).
            var normalized = key.ToLowerInvariant();
#pragma warning restore CA1308
            return normalized.Length > 0 && !normalized.AsSpan().ContainsAnyExcept(KeyCharacters)
                ? normalized
                : throw new ArgumentException($"'{key}' is no metadata key: a-z, 0-9, '-', '_' and '.' only.", nameof(key));
        }
    }
}
