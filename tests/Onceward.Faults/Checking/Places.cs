namespace Onceward.Faults.Checking;

/// <summary>The visible records by their place, and how often each has ended where.</summary>
internal sealed class Places
{
    private readonly Dictionary<Place, LogRecord> _records;
    private readonly Dictionary<Place, int> _applied = [];
    private readonly Dictionary<Place, int> _dead = [];
    private readonly Dictionary<Place, int> _parked = [];

    public Places(History history)
    {
        _records = new Dictionary<Place, LogRecord>(history.Visible.Count);
        foreach (var record in history.Visible)
            _records[new Place(record.Partition, record.Offset)] = record;
        _applied.EnsureCapacity(history.Ledger.Count);
        foreach (var row in history.Ledger)
            Count(_applied, new Place(row.Partition, row.Offset));
        foreach (var place in history.DeadLetters)
            Count(_dead, place);
        foreach (var place in history.Parked)
            Count(_parked, place);
    }

    public bool TryGet(Place place, out LogRecord record) => _records.TryGetValue(place, out record);

    public (int Applied, int Dead, int Parked) EndOf(Place place) =>
        (_applied.GetValueOrDefault(place), _dead.GetValueOrDefault(place), _parked.GetValueOrDefault(place));

    private static void Count(Dictionary<Place, int> counts, Place place) => counts[place] = counts.GetValueOrDefault(place) + 1;
}
