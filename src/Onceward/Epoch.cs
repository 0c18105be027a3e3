namespace Onceward;

/// <summary>The number of claims a partition has seen. Only the newest claim may write.</summary>
internal readonly record struct Epoch(long Value)
{
    public override string ToString() => Value.ToString();
}
