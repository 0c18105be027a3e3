using Insurance.Load.Generation;

namespace Insurance.Load.Driving;

/// <summary>What a stream has under way.</summary>
/// <remarks>
/// Order: at most one event of a policy is under way; the next is sent only once it is settled. An event whose fate is unknown is sent again
/// before any later one of its policy, so the first occurrences on the topic are in the order of the plan, whatever fails. Bounds:
/// <paramref name="capacity"/> events, those that wait behind another of their policy included. Thread-safe: one writes, one reads answers.
/// </remarks>
internal sealed class SendWindow(int capacity, TimeSpan giveUpAfter, TimeSpan retryPause)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Flight> _flying = [];
    private readonly Dictionary<int, Queue<PlannedEvent>> _behind = [];
    private readonly HashSet<int> _closed = [];
    private readonly Queue<Flight> _ready = [];
    private readonly PriorityQueue<Flight, TimeSpan> _postponed = new();
    private int _outstanding;

    /// <summary>Events that will never be acknowledged: given up, or behind one that was.</summary>
    public int GivenUp { get; private set; }

    public bool HasRoom
    {
        get
        {
            lock (_gate)
                return _outstanding < capacity;
        }
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _outstanding == 0;
        }
    }

    /// <summary>Takes an event of the plan; the caller asked <see cref="HasRoom"/>.</summary>
    public void Offer(PlannedEvent planned)
    {
        lock (_gate)
        {
            if (_closed.Contains(planned.Policy))
            {
                GivenUp++;
                return;
            }

            _outstanding++;
            if (_behind.TryGetValue(planned.Policy, out var behind))
                behind.Enqueue(planned);
            else
                Begin(planned, []);
        }
    }

    /// <summary>The next to write, as often as <see cref="Flight.Copies"/> says; null where all are under way, waiting or postponed.</summary>
    public Flight? Take(TimeSpan now)
    {
        lock (_gate)
        {
            while (_postponed.TryPeek(out _, out var due) && due <= now)
                _ready.Enqueue(_postponed.Dequeue());
            if (!_ready.TryDequeue(out var flight))
                return null;
            flight.Copies = flight.Attempts == 0 && flight.Event.Repetition == Repetition.Double ? 2 : 1;
            flight.Awaited = flight.Copies;
            flight.Attempts++;
            flight.FirstSent ??= now;
            flight.LastSent = now;
            _flying.Add(flight.Event.EventId, flight);
            return flight;
        }
    }

    public bool HasReady
    {
        get
        {
            lock (_gate)
                return _ready.Count > 0;
        }
    }

    /// <summary>When the first postponed event is due.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_gate)
                return _postponed.TryPeek(out _, out var due) ? due : null;
        }
    }

    /// <summary>Whether an answer is missing since before <paramref name="moment"/>.</summary>
    public bool AwaitsSince(TimeSpan moment)
    {
        lock (_gate)
            return _flying.Values.Any(flight => flight.LastSent < moment);
    }

    /// <summary>Notes an answer. <paramref name="flight"/> is null where nothing of that id is under way.</summary>
    public Settlement Answer(string eventId, Verdict verdict, TimeSpan now, out Flight? flight)
    {
        lock (_gate)
        {
            if (!_flying.TryGetValue(eventId, out flight))
                return Settlement.None;
            var isFirst = verdict == Verdict.Accepted && !flight.Accepted;
            flight.Accepted |= verdict == Verdict.Accepted;
            flight.Refused |= verdict == Verdict.Refused;
            if (--flight.Awaited > 0)
                return isFirst ? Settlement.Accepted : Settlement.None;
            _flying.Remove(eventId);
            var settlement = Settle(flight, now);
            return isFirst ? Settlement.Accepted : settlement;
        }
    }

    /// <summary>The stream broke: what has no answer is sent again on the next one. Returns how many that are.</summary>
    public int Break(TimeSpan now)
    {
        lock (_gate)
        {
            var again = 0;
            foreach (var flight in _flying.Values)
            {
                if (flight.Accepted)
                    Finish(flight);
                else if (now - flight.FirstSent > giveUpAfter)
                    Close(flight);
                else
                {
                    _ready.Enqueue(flight);
                    again++;
                }
            }

            _flying.Clear();
            return again;
        }
    }

    /// <summary>Drops everything that is under way; returns how many events without an acceptance that were.</summary>
    public int Abandon()
    {
        lock (_gate)
        {
            // Only a break leads here, so nothing is awaited, and what was accepted is finished, save for a repetition not yet made.
            var repetitions = _ready.Count(flight => flight.Accepted);
            var abandoned = _outstanding - repetitions;
            _outstanding = 0;
            return abandoned;
        }
    }

    private Settlement Settle(Flight flight, TimeSpan now)
    {
        if (flight.Accepted && flight.Event.Repetition == Repetition.Again && !flight.Repeated)
        {
            flight.Repeated = true;
            _ready.Enqueue(flight);
            return Settlement.None;
        }

        if (flight.Accepted || flight.Refused)
        {
            Finish(flight);
            return flight.Accepted ? Settlement.None : Settlement.Refused;
        }

        if (now - flight.FirstSent > giveUpAfter)
        {
            Close(flight);
            return Settlement.GivenUp;
        }

        _postponed.Enqueue(flight, now + retryPause);
        return Settlement.Postponed;
    }

    private void Begin(PlannedEvent planned, Queue<PlannedEvent> behind)
    {
        _behind[planned.Policy] = behind;
        _ready.Enqueue(new Flight(planned));
    }

    private void Finish(Flight flight)
    {
        _outstanding--;
        var behind = _behind[flight.Event.Policy];
        if (behind.TryDequeue(out var next))
            Begin(next, behind);
        else
            _behind.Remove(flight.Event.Policy);
    }

    // Whether it was published is not known, so a later event of its policy might overtake it: none is sent any more.
    private void Close(Flight flight)
    {
        _closed.Add(flight.Event.Policy);
        _behind.Remove(flight.Event.Policy, out var behind);
        var lost = 1 + (behind?.Count ?? 0);
        _outstanding -= lost;
        GivenUp += lost;
    }
}
