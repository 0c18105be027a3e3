namespace Insurance.Policies;

/// <summary>An amount of money in 1/100 RUB.</summary>
internal readonly record struct Kopecks(long Value)
{
    public override string ToString() => Value.ToString();
}
