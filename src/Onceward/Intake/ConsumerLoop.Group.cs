using Confluent.Kafka;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>Whether the group takes this process as a member.</summary>
internal sealed partial class ConsumerLoop
{
    private bool _isMember;
    private long _begunAt;

    /// <summary>
    /// A client whose broker does not know KIP-848 waits for ever, without an error. One that waits for long may also be a member without partitions:
    /// the group is asked.
    /// </summary>
    private (string Group, string Member)? InDoubt(IConsumer<byte[], byte[]> consumer) =>
        config.GroupProtocol is not GroupProtocol.Consumer || _isMember || time.GetElapsedTime(_begunAt) < 2 * options.CheckInterval
            ? null : (config.GroupId, consumer.MemberId);

    private void Learn(bool isMember)
    {
        if (!isMember && !_isMember)
        {
            LogProtocolUnknown(logger, worker, config.GroupId);
            Replace("the group does not take this member");
        }
        _isMember |= isMember;
    }

    /// <summary>A new client under the same name would fence the other process in turn, and so on for ever: this one ends, with a note.</summary>
    private OncewardException Fenced(ConsumeException fenced)
    {
        var reason = $"Another process has joined {config.GroupId} as instance '{config.GroupInstanceId}' and has the partitions of this one now. Give each process an InstanceName of its own";
        var note = NoteAsync(() => incidents.NoteAsync(
            IncidentStore.InstanceFenced, null, null, IncidentDetail.Of(("reason", reason), ("group", config.GroupId), ("instance", config.GroupInstanceId)), _stopping));
        // The process is about to end, and takes the note with it; a database that is down must not keep it.
        Task.WaitAny([note], (int)s_brokerWait.TotalMilliseconds, CancellationToken.None);
        return new OncewardException(ErrorCodes.Instance, $"{reason}, or stop one of them. What is committed is exact; this host ends.", fenced);
    }
}
