namespace Onceward.Faults.Nemesis;

/// <summary>A fault that is to come.</summary>
/// <param name="At">Since the start of the run.</param>
/// <param name="Kind">What.</param>
/// <param name="Pick">Whom: a number that is taken modulo the candidates there are.</param>
/// <param name="Strength">How long or how much, from 0 to 1.</param>
internal readonly record struct PlannedFault(TimeSpan At, FaultKind Kind, int Pick, double Strength);

/// <summary>What happens when, from a seed alone.</summary>
/// <remarks>Faults come in rounds with each kind once, in a new order each round: a long run has every kind often, a short one each about as often.</remarks>
internal static class Schedule
{
    // Before it, workers have not joined; after it, the last fault would only be waited for.
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(5);

    public static List<PlannedFault> Create(int seed, TimeSpan length, TimeSpan interval, IReadOnlyList<FaultKind> kinds)
    {
        var random = new Random(seed);
        var faults = new List<PlannedFault>();
        var round = new Queue<FaultKind>();
        for (var at = s_first; at < length; at += interval * (0.5 + random.NextDouble()))
        {
            if (round.Count == 0)
            {
                var order = kinds.ToArray();
                random.Shuffle(order);
                round = new Queue<FaultKind>(order);
            }
            faults.Add(new PlannedFault(at, round.Dequeue(), random.Next(), random.NextDouble()));
        }
        return faults;
    }
}
