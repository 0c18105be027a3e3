namespace Insurance.Load.Verification;

/// <summary>One committed record of <c>auto.premiums</c>, as far as it is compared.</summary>
internal readonly record struct PremiumRecord(
    int Partition, long Offset, string EventId, string SourceEventId, string PolicyId, long AmountKopecks, ChannelNumber? Channel);

/// <summary>The number that the relay gave a record: dense and increasing in its channel.</summary>
internal readonly record struct ChannelNumber(int Channel, long Seq);
