namespace Insurance.Load.Verification;

/// <summary>One ledger beside the journal.</summary>
/// <param name="Ledger">Its name.</param>
/// <param name="Expected">Acknowledged events that must have an effect in it.</param>
/// <param name="Effects">Events that have one.</param>
/// <param name="Lost">Acknowledged, no effect (or half of one).</param>
/// <param name="Duplicated">More than one effect of one event.</param>
/// <param name="OutOfOrder">Effects that come after a later one of their policy or their partition.</param>
/// <param name="Unacknowledged">Applied, but the journal does not know them: the answer was lost on its way. No error.</param>
internal sealed record LedgerFindings(
    string Ledger, long Expected, long Effects, Finding Lost, Finding Duplicated, Finding OutOfOrder, Finding Unacknowledged);

/// <summary>How often something was found, and a few of the events that show it.</summary>
internal readonly record struct Finding(long Count, IReadOnlyList<string> Examples)
{
    public const int MaxExamples = 5;

    public static Finding None => new(0, []);

    public Finding And(Finding other) => new(Count + other.Count, [.. Examples.Concat(other.Examples).Take(MaxExamples)]);
}

/// <summary>A rule between ledgers, and what breaks it.</summary>
internal sealed record ConsistencyFinding(string Rule, Finding Broken);

/// <summary>Everything that was compared.</summary>
internal sealed record Comparison(IReadOnlyList<LedgerFindings> Ledgers, IReadOnlyList<ConsistencyFinding> Consistency)
{
    public long Lost => Ledgers.Sum(ledger => ledger.Lost.Count);

    public long Duplicated => Ledgers.Sum(ledger => ledger.Duplicated.Count);

    public long OutOfOrder => Ledgers.Sum(ledger => ledger.OutOfOrder.Count);

    public long Inconsistent => Consistency.Sum(rule => rule.Broken.Count);

    public bool IsFine => Lost + Duplicated + OutOfOrder + Inconsistent == 0;
}
