using System.Diagnostics.CodeAnalysis;

namespace Insurance.Load.Generation;

/// <summary>The events of one stream in the order they are due; those of a policy in the order of its life.</summary>
/// <remarks>A window of policies is alive at a time, so that issues, renewals and cancellations mix, and memory stays bounded.</remarks>
internal sealed class StreamSchedule
{
    /// <summary>Four times what a stream has under way: an event seldom has to wait for the one before it of its policy.</summary>
    private const int LivePolicies = 1024;

    private readonly LoadPlan _plan;
    private readonly List<PolicyLife> _live = [];
    private SplitMix _random;
    private int _nextPolicy;
    private int _position;

    public StreamSchedule(LoadPlan plan, int stream)
    {
        _plan = plan;
        _random = SplitMix.For(plan.Seed, (ulong)stream, ulong.MaxValue);
        _nextPolicy = stream;
        while (_live.Count < LivePolicies && TryBegin(out var life))
            _live.Add(life);
    }

    public bool TryNext([NotNullWhen(true)] out PlannedEvent? planned)
    {
        planned = null;
        if (_live.Count == 0)
            return false;
        var chosen = _random.Below(_live.Count);
        planned = _live[chosen].Next(_position++);
        if (_live[chosen].IsOver)
            Replace(chosen);
        return true;
    }

    private void Replace(int chosen)
    {
        if (TryBegin(out var life))
        {
            _live[chosen] = life;
            return;
        }

        _live[chosen] = _live[^1];
        _live.RemoveAt(_live.Count - 1);
    }

    private bool TryBegin([NotNullWhen(true)] out PolicyLife? life)
    {
        life = null;
        if (_nextPolicy >= _plan.Policies)
            return false;
        life = new PolicyLife(_plan, _nextPolicy);
        _nextPolicy += _plan.Streams;
        return true;
    }
}
