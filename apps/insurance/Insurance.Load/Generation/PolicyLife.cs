using Google.Protobuf.WellKnownTypes;
using Insurance.Contracts;

namespace Insurance.Load.Generation;

/// <summary>One policy from its issue on; says what happens to it next.</summary>
internal sealed class PolicyLife(LoadPlan plan, int policy)
{
    /// <summary>A policy in four ends with a cancellation.</summary>
    private const double CancelledAtEnd = 25;

    /// <summary>So many are cancelled before their last event: all that follows contradicts it.</summary>
    private const double CancelledEarly = 1.5;

    /// <summary>So many events issue a policy that is in force.</summary>
    private const double IssuedTwice = 0.5;

    private readonly int _count = plan.EventsOfPolicy(policy);
    private int _seq;
    private int _term;
    private bool _cancelled;

    public bool IsOver => _seq == _count;

    public PlannedEvent Next(int position)
    {
        var random = SplitMix.For(plan.Seed, (ulong)policy, (ulong)_seq);
        var (kind, contradiction) = Choose(ref random);
        var repetition = !random.Chance(plan.RetryPercent) ? Repetition.None : random.Chance(50) ? Repetition.Double : Repetition.Again;
        if (!contradiction)
        {
            _term += kind == EventKind.Renewed ? 1 : 0;
            _cancelled = kind == EventKind.Cancelled;
        }

        var message = new PolicyEvent
        {
            EventId = EventId.Event(plan.Run, policy, _seq),
            PolicyId = EventId.Policy(plan.Run, policy),
            // A later event of a policy occurred later; the gateway allows a day ahead, which is 86 million of them.
            OccurredAt = Timestamp.FromDateTimeOffset(plan.Start.AddMilliseconds(_seq)),
        };
        var terms = new PolicyFacts(plan, policy);
        switch (kind)
        {
            case EventKind.Issued:
                message.Issued = new PolicyIssued { HolderId = terms.HolderId, Terms = terms.Terms(_term) };
                break;
            case EventKind.Renewed:
                message.Renewed = new PolicyRenewed { Terms = terms.Terms(_term) };
                break;
            default:
                message.Cancelled = terms.Cancellation(_term, ref random);
                break;
        }

        return new PlannedEvent(policy, _seq++, kind, contradiction, repetition, position, new PublishRequest { Event = message });
    }

    private (EventKind Kind, bool Contradiction) Choose(ref SplitMix random)
    {
        if (_seq == 0)
            return (EventKind.Issued, false);
        if (_cancelled)
            return (random.Chance(75) ? EventKind.Renewed : EventKind.Cancelled, true);
        if (random.Chance(_seq == _count - 1 ? CancelledAtEnd : CancelledEarly))
            return (EventKind.Cancelled, false);
        return random.Chance(IssuedTwice) ? (EventKind.Issued, true) : (EventKind.Renewed, false);
    }
}
