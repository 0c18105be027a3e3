using System.Runtime.InteropServices;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>What a record of __consumer_offsets says. One of the two keys is there; a value that is null takes back what was said before.</summary>
internal readonly record struct GroupFact(string GroupId, OffsetKey? Key, StoredOffset? Offset, GroupRecord? Group);

/// <summary>Keys and values of __consumer_offsets, in Kafka's own formats: tools that read that topic can read ours.</summary>
/// <remarks>
/// Written: offset keys of version 1 with values of version 3, group keys of version 2 with values of version 3. Read: offset keys 0 and 1,
/// values 0 to 3 of both kinds, so that a folder of Kafka's could be taken over.
/// </remarks>
internal static class GroupRecords
{
    private const short OffsetKeyVersion = 1;
    private const short GroupKeyVersion = 2;
    private const short ValueVersion = 3;

    public static byte[] KeyOf(string groupId, OffsetKey key)
    {
        using var writer = Begin(OffsetKeyVersion);
        writer.String(groupId);
        writer.String(key.Topic);
        writer.Int32(key.Partition);
        return writer.Written.ToArray();
    }

    public static byte[] KeyOf(string groupId)
    {
        using var writer = Begin(GroupKeyVersion);
        writer.String(groupId);
        return writer.Written.ToArray();
    }

    public static byte[] ValueOf(in StoredOffset stored)
    {
        // Version 3 has no room for the expiry that clients of before 2.1 ask for; version 1 has, and none for the leader epoch they do not know.
        using var writer = Begin(stored.ExpiresAt >= 0 ? (short)1 : ValueVersion);
        writer.Int64(stored.Offset);
        if (stored.ExpiresAt < 0)
            writer.Int32(stored.LeaderEpoch);
        writer.String(stored.Metadata);
        writer.Int64(stored.CommittedAt);
        if (stored.ExpiresAt >= 0)
            writer.Int64(stored.ExpiresAt);
        return writer.Written.ToArray();
    }

    public static byte[] ValueOf(GroupRecord group)
    {
        using var writer = Begin(ValueVersion);
        writer.String(group.ProtocolType);
        writer.Int32(group.Generation);
        writer.String(group.Protocol);
        writer.String(group.Leader);
        writer.Int64(group.PhaseSince);
        writer.Array(group.Members, static (writer, member) =>
        {
            writer.String(member.Id);
            writer.String(member.InstanceId);
            writer.String(member.ClientId);
            writer.String(member.ClientHost);
            writer.Int32(member.RebalanceTimeoutMs);
            writer.Int32(member.SessionTimeoutMs);
            writer.Bytes(member.Subscription);
            writer.Bytes(member.Assignment);
        });
        return writer.Written.ToArray();
    }

    /// <summary>What a record says; null: it is of a kind that this broker does not keep.</summary>
    /// <exception cref="MalformedRequestException">It is not well formed.</exception>
    public static GroupFact? Read(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value)
    {
        var reader = Open(key);
        switch (reader.Int16())
        {
            case 0 or OffsetKeyVersion:
                return new(reader.String(), new(reader.String(), reader.Int32()), value is { } offset ? ReadOffset(offset) : null, null);
            case GroupKeyVersion:
                return new(reader.String(), null, null, value is { } group ? ReadGroup(group) : null);
            default:
                return null;
        }
    }

    private static StoredOffset ReadOffset(ReadOnlyMemory<byte> value)
    {
        var reader = Open(value);
        var version = VersionOf(ref reader);
        var offset = reader.Int64();
        return new(offset, version >= 3 ? reader.Int32() : -1, reader.String(), reader.Int64(), version == 1 ? reader.Int64() : -1);
    }

    private static GroupRecord ReadGroup(ReadOnlyMemory<byte> value)
    {
        var reader = Open(value);
        var version = VersionOf(ref reader);
        var (protocolType, generation, protocol, leader) = (reader.String(), reader.Int32(), reader.NullableString(), reader.NullableString());
        var since = version >= 2 ? reader.Int64() : -1;
        return new(protocolType, generation, protocol, leader, since, reader.Array((ref WireReader reader) => ReadMember(ref reader, version)));
    }

    private static MemberRecord ReadMember(ref WireReader reader, short version)
    {
        var (id, instance, client, host) = (reader.String(), version >= 3 ? reader.NullableString() : null, reader.String(), reader.String());
        int? rebalance = version >= 1 ? reader.Int32() : null;
        var session = reader.Int32();
        return new(id, instance, client, host, rebalance ?? session, session, reader.Bytes().ToArray(), reader.Bytes().ToArray());
    }

    private static short VersionOf(ref WireReader reader)
    {
        var version = reader.Int16();
        return version is >= 0 and <= ValueVersion ? version : throw new MalformedRequestException($"a value of version {version}");
    }

    private static WireReader Open(ReadOnlyMemory<byte> bytes) => new(MemoryMarshal.AsMemory(bytes), 0, flexible: false);

    private static WireWriter Begin(short version)
    {
        var writer = new WireWriter(version, flexible: false, sizeHint: 256);
        writer.Int16(version);
        return writer;
    }
}
