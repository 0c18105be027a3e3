namespace Onceward.Faults.Checking;

/// <summary>The properties that a history must have.</summary>
internal enum Property
{
    /// <summary>Every acknowledged record is in the ledger once, or parked, or a dead letter, and poison is where it must be.</summary>
    AckedOnce = 1,

    /// <summary>Of each key, the ledger's order is the order in which it was produced.</summary>
    KeyOrder,

    /// <summary>Balances are the sums of the ledger.</summary>
    Balances,

    /// <summary>The effects of a partition are those of the visible records below its offset, each written by the transaction that moved over it.</summary>
    LedgerIsLog,

    /// <summary>The output has each channel's numbers densely, once, and each effect's message, in key order.</summary>
    Output,

    /// <summary>Offset rows form one chain with monotone epochs, and only the owner of an epoch moves the offset.</summary>
    OffsetChain,

    /// <summary>Nothing of an aborted Kafka transaction has an effect.</summary>
    NoAborted,

    /// <summary>After the faults everything is applied and published in bounded time.</summary>
    Liveness,
}

/// <summary>What the checker says.</summary>
internal sealed class Findings
{
    // More than this says nothing new.
    private const int MostExamples = 5;

    private readonly Dictionary<Property, (long Count, List<string> Examples)> _violations = [];

    /// <summary>Records without effect, and messages that are missing.</summary>
    public long Lost { get; private set; }

    /// <summary>Effects and messages that are there more often than once.</summary>
    public long Duplicated { get; private set; }

    /// <summary>Effects and messages before an earlier one of their key.</summary>
    public long OutOfOrder { get; private set; }

    public bool Holds => _violations.Count == 0;

    public IEnumerable<Property> Violated => _violations.Keys.Order();

    public long CountOf(Property property) => _violations.TryGetValue(property, out var found) ? found.Count : 0;

    public IReadOnlyList<string> ExamplesOf(Property property) => _violations.TryGetValue(property, out var found) ? found.Examples : [];

    public void Violate(Property property, string example)
    {
        var (count, examples) = _violations.TryGetValue(property, out var found) ? found : (0, []);
        if (examples.Count < MostExamples)
            examples.Add(example);
        _violations[property] = (count + 1, examples);
    }

    public void Lose(Property property, string example)
    {
        Lost++;
        Violate(property, example);
    }

    public void Duplicate(Property property, string example)
    {
        Duplicated++;
        Violate(property, example);
    }

    public void Disorder(Property property, string example)
    {
        OutOfOrder++;
        Violate(property, example);
    }
}
