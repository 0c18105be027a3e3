using Insurance.Load.Generation;

namespace Insurance.Load.Driving;

/// <summary>When the events of one stream are due, on the clock of the run.</summary>
/// <remarks>
/// Open loop: an event is due by the plan, however far behind the gateway is, and its latency counts from there. A stream's events are spread
/// evenly over the run, and the streams are offset against each other.
/// </remarks>
internal readonly struct Pace
{
    private readonly double _interval;
    private readonly double _offset;

    public Pace(LoadPlan plan, int stream, double? ratePerSecond)
    {
        IsPaced = ratePerSecond is not null;
        if (ratePerSecond is not { } rate)
            return;
        _interval = plan.Events / rate / plan.EventsOfStream(stream);
        _offset = _interval * stream / plan.Streams;
    }

    public bool IsPaced { get; }

    /// <summary>Zero without a rate: at once.</summary>
    public TimeSpan Due(int position) => TimeSpan.FromSeconds((position * _interval) + _offset);
}
