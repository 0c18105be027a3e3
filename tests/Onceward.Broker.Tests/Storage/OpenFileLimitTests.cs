using Onceward.Broker.Storage;

namespace Onceward.Broker.Tests.Storage;

public sealed class OpenFileLimitTests
{
    [Theory]
    [InlineData(64, 8, 16)]
    [InlineData(256, 70, 71)]
    [InlineData(1_024, FilePool.DefaultLimit, 509)]
    [InlineData(1_048_576, FilePool.DefaultLimit, 1_048_061)]
    public void Logs_have_a_share_that_clients_cannot_take(int limit, int logs, int clients)
    {
        OpenFileLimit.OfLogs(limit).ShouldBe(logs);
        OpenFileLimit.OfClients(limit).ShouldBe(clients);
    }
}
