using Onceward.Ledger;

namespace Onceward.Outbox;

/// <summary>A row of the outbox.</summary>
internal sealed record OutboxRow(int Channel, long Seq, string Topic, byte[]? Key, byte[]? Value, byte[] Headers)
{
    /// <summary>Tells this row from another that a database which went back put at the same place.</summary>
    public long Hash() => OffsetStore.Hash(System.Text.Encoding.UTF8.GetBytes(Topic), Key, Value, Headers);

    /// <summary>The row's share of memory and of a transaction, in bytes.</summary>
    public int Size => (Key?.Length ?? 0) + (Value?.Length ?? 0) + Headers.Length;
}
