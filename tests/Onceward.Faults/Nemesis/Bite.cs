namespace Onceward.Faults.Nemesis;

/// <summary>What a fault hit. Nothing, and the fault is not counted as one that has bitten.</summary>
/// <param name="Count">How many of <paramref name="What"/>.</param>
/// <param name="What">A plural noun.</param>
internal readonly record struct Bite(long Count, string What);

/// <summary>A fault that happened.</summary>
internal sealed record InflictedFault(PlannedFault Plan, string Target, Bite Bite);
