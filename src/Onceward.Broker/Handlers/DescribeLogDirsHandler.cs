using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeLogDirs, versions 1 to 4: one directory, called "memory" where there is none.</summary>
internal sealed class DescribeLogDirsHandler(BrokerNode node) : ApiHandler<DescribeLogDirsRequest>(ApiKey.DescribeLogDirs)
{
    private const long Unknown = -1;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeLogDirsRequest request, CancellationToken cancellationToken)
    {
        var topics = node.Topics.All
            .Select(topic => (topic.Name, Partitions: Sizes(topic, request)))
            .Where(topic => topic.Partitions.Count > 0)
            .OrderBy(topic => topic.Name, StringComparer.Ordinal);
        var (total, usable) = Volume();
        return new(new DescribeLogDirsResponse(node.Options.DataDirectory is { } path ? Path.GetFullPath(path) : "memory", [.. topics], total, usable));
    }

    private static List<(int, long)> Sizes(Topic topic, DescribeLogDirsRequest request)
    {
        var asked = request.Topics?.Where(other => other.Topic == topic.Name).SelectMany(other => other.Partitions).ToHashSet();
        return [.. topic.Partitions.Where(log => asked?.Contains(log.Partition) ?? true).Select(log => (log.Partition, log.SizeInBytes))];
    }

    private (long Total, long Usable) Volume()
    {
        if (node.Options.DataDirectory is not { } path)
            return (Unknown, Unknown);
        try
        {
            var drive = new DriveInfo(Path.GetFullPath(path));
            return (drive.TotalSize, drive.AvailableFreeSpace);
        }
        catch (IOException)
        {
            return (Unknown, Unknown);
        }
    }
}
