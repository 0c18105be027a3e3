namespace Onceward.Faults.Checking;

/// <summary>What was published: each number of each channel once, a message for each effect and each dead letter, in key order.</summary>
internal static class OutputCheck
{
    public static void Check(History history, Places places, Findings findings)
    {
        CheckChannels(history, findings);
        CheckCauses(history, places, findings);
        CheckOrder(history, findings);
    }

    private static void CheckChannels(History history, Findings findings)
    {
        var seen = history.Ends.ToDictionary(e => e.Channel, e => new int[e.NextOutSeq]);
        foreach (var message in history.Published)
            if (!seen.TryGetValue(message.Channel, out var counts) || message.Seq < 0 || message.Seq >= counts.Length)
                findings.Violate(Property.Output, $"message {message.Channel}/{message.Seq} of {message.Key} has a number that no row was given");
            else if (++counts[message.Seq] > 1)
                findings.Duplicate(Property.Output, $"message {message.Channel}/{message.Seq} of {message.Key} is published {counts[message.Seq]} times");
        foreach (var (channel, counts) in seen)
            for (var seq = 0; seq < counts.Length; seq++)
                if (counts[seq] == 0)
                    findings.Lose(Property.Output, $"message {channel}/{seq} is not published");
    }

    /// <summary>Numbers may be dense and the messages still be of the wrong records: each effect has its own.</summary>
    private static void CheckCauses(History history, Places places, Findings findings)
    {
        var applied = new Dictionary<Place, int>(history.Ledger.Count);
        var buried = new Dictionary<Place, int>();
        foreach (var message in history.Published)
        {
            var counts = message.Topic == history.DeadLetterTopic ? buried : applied;
            counts[message.Cause] = counts.GetValueOrDefault(message.Cause) + 1;
        }
        foreach (var record in history.Visible)
        {
            var place = new Place(record.Partition, record.Offset);
            var end = places.EndOf(place);
            if (applied.GetValueOrDefault(place) != end.Applied || buried.GetValueOrDefault(place) != end.Dead)
                findings.Violate(
                    Property.Output,
                    $"{Checker.Name(record.Partition, record.Offset)} has {end.Applied} effects and {applied.GetValueOrDefault(place)} messages, is {end.Dead} times a dead letter and {buried.GetValueOrDefault(place)} times published as one");
        }
    }

    private static void CheckOrder(History history, Findings findings)
    {
        var keys = new Dictionary<string, int>(StringComparer.Ordinal);
        var seqs = new Dictionary<(string Key, int Partition), long>();
        var channelOf = new Dictionary<(int Partition, int Channel), long>();
        foreach (var message in history.Published.Where(m => m.Topic == history.OutputTopic))
        {
            var key = (message.TopicPartition, message.Channel);
            if (channelOf.TryGetValue(key, out var before) && message.Seq < before)
                findings.Disorder(Property.Output, $"message {message.Channel}/{message.Seq} is published behind {message.Channel}/{before} in partition {message.TopicPartition}");
            channelOf[key] = Math.Max(message.Seq, before);
            if (message.KeySeq < 0)
                continue;
            var order = history.OrderOf(message.Key, message.Cause.Partition);
            if (keys.TryGetValue(message.Key, out var partition) && partition != message.TopicPartition)
                findings.Violate(Property.Output, $"messages of {message.Key} are in partitions {partition} and {message.TopicPartition}");
            else if (seqs.TryGetValue(order, out var last) && message.KeySeq < last)
                findings.Disorder(Property.Output, $"the message of {message.Key}/{message.KeySeq} is published behind that of {message.Key}/{last}");
            keys[message.Key] = message.TopicPartition;
            seqs[order] = Math.Max(message.KeySeq, seqs.GetValueOrDefault(order));
        }
    }
}
