namespace Onceward.Broker.Log;

/// <summary>A list that only grows: one writer at a time, and readers that need no lock. Costs nothing while it is empty.</summary>
internal sealed class GrowingList<T>
    where T : struct
{
    private T[] items = [];
    private int count;

    public int Count => Volatile.Read(ref count);

    /// <summary>What is there now. The count is read first: the array is at least as new.</summary>
    public ReadOnlySpan<T> Items
    {
        get
        {
            var length = Volatile.Read(ref count);
            return Volatile.Read(ref items).AsSpan(0, length);
        }
    }

    public void Add(T item)
    {
        if (count == items.Length)
        {
            var larger = new T[Math.Max(4, 2 * items.Length)];
            items.CopyTo(larger, 0);
            Volatile.Write(ref items, larger);
        }
        items[count] = item;
        Volatile.Write(ref count, count + 1);
    }
}
