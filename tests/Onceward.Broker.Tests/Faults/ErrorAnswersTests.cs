using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Onceward.Broker.Faults;
using Onceward.Broker.Protocol;
using Onceward.Broker.Tests.Protocol;

namespace Onceward.Broker.Tests.Faults;

/// <summary>Each request that can fail does, in each version, with the error that was ordered.</summary>
public sealed class ErrorAnswersTests
{
    private const int EnoughToNameSomething = 12; // Of random requests, whose lists are often empty.
    private const ErrorCode Unmistakable = (ErrorCode)0x5A5B;

    [Fact]
    public async Task The_answer_says_the_error_in_every_version()
    {
        await using var broker = await EmbeddedBroker.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        var requests = new ValidRequests(new Random(1));
        var able = requests.All.Where(request => ErrorAnswers.Has((ApiKey)request.Schema.Key)).ToArray();
        foreach (var key in able.Select(request => (ApiKey)request.Schema.Key).Distinct())
            broker.Faults.Fail(key, Unmistakable, times: null);
        var server = IPEndPoint.Parse(broker.BootstrapServers);
        foreach (var (schema, version) in able)
        {
            var told = false;
            for (var i = 0; i < EnoughToNameSomething && !told; i++)
                told = (await AskAsync(server, requests.Write(schema, version))).AsSpan().IndexOf(new byte[] { 0x5A, 0x5B }) >= 0;
            told.ShouldBeTrue($"{(ApiKey)schema.Key} {version}");
        }
    }

    [Fact]
    public void Only_answers_without_a_place_for_an_error_of_the_client_are_left_out() =>
        SupportedApis.All.Select(api => api.Key).Where(key => !ErrorAnswers.Has(key)).ShouldBe(
            [
                ApiKey.ListGroups, ApiKey.DescribeAcls, ApiKey.CreateAcls, ApiKey.DeleteAcls, ApiKey.DescribeLogDirs, ApiKey.DescribeCluster, ApiKey.DescribeProducers,
                ApiKey.DescribeTransactions, ApiKey.ListTransactions, ApiKey.DescribeTopicPartitions,
            ],
            ignoreOrder: true);

    /// <summary>Nothing where the connection was closed: some random values no client sends.</summary>
    private static async Task<byte[]> AskAsync(IPEndPoint server, byte[] request)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(server, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, request.Length);
        await stream.WriteAsync((byte[])[.. length, .. request], TestContext.Current.CancellationToken);
        if (await stream.ReadAtLeastAsync(length, length.Length, throwOnEndOfStream: false, TestContext.Current.CancellationToken) < length.Length)
            return [];
        var answer = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(answer, TestContext.Current.CancellationToken);
        return answer;
    }
}
