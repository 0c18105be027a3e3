namespace Onceward.Handling;

/// <summary>What one attempt knows of parked keys and wants to park.</summary>
/// <remarks>
/// <b>Order:</b> a record whose key is parked, in the ledger or earlier in this attempt, goes behind it and is not applied; records are written
/// in the order in which they came here. Model: <c>Plan</c>.
/// </remarks>
internal sealed class Parking
{
    private readonly HashSet<(int Subscription, KeyId Key)> _keys = [];
    private readonly Dictionary<int, ParkingRoom> _room = [];
    private readonly List<ParkedKey> _newKeys = [];
    private readonly List<ParkedRecord> _records = [];

    /// <summary>Keys that this attempt parks first.</summary>
    public IReadOnlyList<ParkedKey> NewKeys => _newKeys;

    /// <summary>Records that this attempt parks, in order.</summary>
    public IReadOnlyList<ParkedRecord> Records => _records;

    /// <summary>Whether any record may have to go behind another.</summary>
    public bool HasKeys => _keys.Count > 0;

    /// <summary>The ledger has this key, and this attempt holds its row.</summary>
    public void Hold(int subscription, KeyId key) => _keys.Add((subscription, key));

    /// <summary>How much the subscription may still park.</summary>
    public void SetRoom(int subscription, ParkingRoom room) => _room[subscription] = room;

    public bool IsParked(int subscription, KeyId key) => _keys.Contains((subscription, key));

    /// <summary>Puts a record behind its key, which is parked. Returns whether there was room.</summary>
    public bool TryPutBehind(Subscription subscription, Record record, KeyId key)
    {
        if (_room.GetValueOrDefault(subscription.Id) is not { Records: > 0 } room)
            return false;
        _room[subscription.Id] = room with { Records = room.Records - 1 };
        _records.Add(new ParkedRecord(subscription, record, key));
        return true;
    }

    /// <summary>Parks a key that is not parked yet, with the record that failed at its head. Returns whether there was room.</summary>
    public bool TryPark(ParkedKey key)
    {
        if (_room.GetValueOrDefault(key.Subscription.Id) is not { Keys: > 0, Records: > 0 } room)
            return false;
        _room[key.Subscription.Id] = new ParkingRoom(room.Keys - 1, room.Records - 1);
        _keys.Add((key.Subscription.Id, key.Id));
        _newKeys.Add(key);
        _records.Add(new ParkedRecord(key.Subscription, key.Head, key.Id));
        return true;
    }
}

/// <summary>A key and why it is parked.</summary>
/// <param name="Subscription">The topic of a worker.</param>
/// <param name="Head">The record that failed.</param>
/// <param name="Id">Its key.</param>
/// <param name="Attempts">How often.</param>
/// <param name="Pause">Until the next attempt; <see langword="null"/> holds the key until a person decides.</param>
/// <param name="Error">What it failed with.</param>
internal sealed record ParkedKey(Subscription Subscription, Record Head, KeyId Id, int Attempts, TimeSpan? Pause, Exception Error)
{
    public bool IsHeld => Pause is null;
}

/// <summary>A record on its way into <c>parked_record</c>.</summary>
internal sealed record ParkedRecord(Subscription Subscription, Record Record, KeyId Key);

/// <summary>How many more a subscription may park.</summary>
internal readonly record struct ParkingRoom(int Keys, int Records);
