using Onceward.Outbox;

namespace Onceward.Unit.Outbox;

public sealed class OutboxSignalTests
{
    [Fact]
    public async Task A_notification_wakes_who_asked_before_it_and_nobody_who_asks_after()
    {
        var signal = new OutboxSignal();
        var (first, second) = (signal.NextAsync(), signal.NextAsync());
        signal.Notify();
        await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(10));
        signal.NextAsync().IsCompleted.ShouldBeFalse();
    }
}
