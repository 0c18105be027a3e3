namespace Onceward.Handling;

/// <summary>Notices that so many records fail that it is not the records: then the partition blocks instead of being parked record by record.</summary>
/// <remarks>
/// Counts over the current window and the one before. Open, it stays open while what is tried fails, and closes when the share of failures
/// falls. Belongs to one lane.
/// </remarks>
internal sealed class FailureCircuit(RetryOptions options, TimeProvider time)
{
    private long _windowSince = time.GetTimestamp();
    private Count _current;
    private Count _before;
    private bool _isOpen;

    public void Succeeded(int records)
    {
        Turn();
        _current = _current with { Records = _current.Records + records };
    }

    public void Failed()
    {
        Turn();
        _current = new Count(_current.Records + 1, _current.Failures + 1);
    }

    public bool IsOpen
    {
        get
        {
            Turn();
            var (records, failures) = (_current.Records + _before.Records, _current.Failures + _before.Failures);
            var isBroken = failures >= records * options.CircuitRatio;
            // With nothing tried in the window nothing is known, and an open circuit stays as it is.
            if (records > 0)
                _isOpen = isBroken && (_isOpen || failures >= options.CircuitFailures);
            return _isOpen;
        }
    }

    private void Turn()
    {
        var elapsed = time.GetElapsedTime(_windowSince);
        if (elapsed < options.CircuitWindow)
            return;
        _before = elapsed < options.CircuitWindow * 2 ? _current : default;
        _current = default;
        _windowSince = time.GetTimestamp();
    }

    private readonly record struct Count(long Records, long Failures);
}
