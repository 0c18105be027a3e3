namespace Onceward.Handling;

/// <summary>A message on its way to the outbox. The offset row gives it its sequence number at the end of the transaction.</summary>
/// <param name="Subscription">With <paramref name="Partition"/>, the input partition that caused it, and so its channel.</param>
/// <param name="Partition">The input partition.</param>
/// <param name="Topic">Where it goes.</param>
/// <param name="Key">The partition key.</param>
/// <param name="Value">The encoded message.</param>
/// <param name="Headers">Encoded by <see cref="Outbox.HeaderCodec"/>.</param>
internal sealed record OutgoingMessage(int Subscription, int Partition, string Topic, byte[]? Key, byte[]? Value, byte[] Headers);
