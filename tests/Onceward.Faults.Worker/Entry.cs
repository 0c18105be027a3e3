namespace Onceward.Faults;

/// <summary>A message whose effect is not idempotent: a balance grows by its amount.</summary>
/// <param name="Key">The account, and the record's key.</param>
/// <param name="Seq">Dense from 0 for each key, in the order in which it was produced.</param>
/// <param name="Amount">By how much the balance grows.</param>
/// <param name="FailsUntil">Until when (Unix milliseconds) the handler throws; 0: it does not, <see cref="long.MaxValue"/>: for ever.</param>
public sealed record Entry(string Key, long Seq, long Amount, long FailsUntil = 0)
{
    /// <summary>Throws while the record is poison.</summary>
    public void ThrowIfPoison(TimeProvider time)
    {
        if (FailsUntil != 0 && time.GetUtcNow().ToUnixTimeMilliseconds() < FailsUntil)
            throw new PoisonException($"{Key}/{Seq} is poison.");
    }
}

/// <summary>What the handler publishes for each record: which one it was.</summary>
public sealed record Applied(int Partition, long Offset, string Key, long Seq);

/// <summary>A record that cannot be applied, now or ever.</summary>
public sealed class PoisonException(string message) : Exception(message);
