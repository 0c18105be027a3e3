using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>What consumers tell each other when they join: a version, then the topics. All else is for their assignor.</summary>
internal static class Subscription
{
    public const string Consumer = "consumer";

    /// <summary>The topics of all members together; null: they are not consumers, or speak otherwise.</summary>
    public static IReadOnlySet<string>? TopicsOf(string? protocolType, string? protocol, IReadOnlyList<GroupMember> members)
    {
        if (protocolType != Consumer || (members.Count > 0 && protocol is null))
            return null;
        var topics = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            foreach (var member in members)
            {
                var reader = new WireReader(member.Metadata(protocol), 0, flexible: false);
                reader.Int16();
                topics.UnionWith(reader.StringArray());
            }
        }
        catch (MalformedRequestException)
        {
            return null;
        }
        return topics;
    }
}
