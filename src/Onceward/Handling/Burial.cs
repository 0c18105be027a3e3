using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onceward.Handling;

/// <summary>Gives records to the dead letters: to the table, and to the topic if there is one, in the transaction that passes over them.</summary>
internal sealed partial class Burial(Publishing publishing, ILogger<Burial> logger)
{
    public void Bury(BatchScope scope, DeadLetter letter)
    {
        scope.Add(letter);
        var settings = letter.Subscription.Settings;
        if (settings.DeadLetterTopic is { } topic)
            scope.Add(publishing.Encode(letter, topic));
        LogDeadLettered(logger, letter.Error, settings.Worker, letter.Record.TopicPartitionOffset, letter.Attempts, letter.Reason);
    }

    [LoggerMessage(EventIds.RecordDeadLettered, LogLevel.Error, "Worker {Worker} gives {Record} to the dead letters after {Attempts} attempts: {Reason}")]
    private static partial void LogDeadLettered(ILogger logger, Exception exception, string worker, TopicPartitionOffset record, int attempts, string reason);
}
