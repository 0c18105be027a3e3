namespace Onceward.Handling;

/// <summary>How one topic of a worker is handled, less its types.</summary>
internal sealed record SubscriptionSettings(string Worker, string Topic, RetryOptions Retry, string? DeadLetterTopic, StartAt StartAt, string? AdoptGroup = null);
