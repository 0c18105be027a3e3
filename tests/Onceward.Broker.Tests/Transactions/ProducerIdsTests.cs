using Onceward.Broker.Storage;
using Onceward.Broker.Topics;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Tests.Transactions;

/// <summary>An id is never given twice, whatever happened in between.</summary>
public sealed class ProducerIdsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_first_is_0_and_each_is_new()
    {
        var ids = new ProducerIds(new MetadataJournal(null));
        Enumerable.Range(0, 2_500).Select(_ => ids.Next()).ShouldBe(Enumerable.Range(0, 2_500).Select(i => (long)i));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(ProducerIds.BlockSize)]
    [InlineData(ProducerIds.BlockSize + 1)]
    public void No_start_gives_an_id_of_an_earlier_one(int each)
    {
        var given = new HashSet<long>();
        for (var start = 0; start < 4; start++)
        {
            using var journal = Open(out var ids);
            for (var i = 0; i < each; i++)
                given.Add(ids.Next()).ShouldBeTrue();
        }
    }

    [Fact]
    public void A_rewritten_journal_remembers_them()
    {
        using (var journal = Open(out var ids))
        {
            ids.Next();
            journal.Rewrite(ids.Live());
        }
        using (Open(out var ids))
            ids.Next().ShouldBe(ProducerIds.BlockSize);
    }

    [Fact]
    public void Without_a_place_to_record_a_block_none_is_given()
    {
        using var journal = Open(out var ids);
        journal.Dispose();
        Should.Throw<ObjectDisposedException>(() => ids.Next());
        using (Open(out ids))
            ids.Next().ShouldBe(0);
    }

    [Fact]
    public async Task Concurrent_producers_get_different_ones()
    {
        var ids = new ProducerIds(new MetadataJournal(null));
        var given = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 5_000).Select(_ => ids.Next()).ToList())));
        given.SelectMany(some => some).Distinct().Count().ShouldBe(40_000);
    }

    private MetadataJournal Open(out ProducerIds ids)
    {
        var journal = new MetadataJournal(MetadataLog.Open(directory.File("metadata.log"), out var records));
        ids = new ProducerIds(journal);
        ids.Replay(records);
        return journal;
    }
}
