using System.Reflection;
using Insurance.Load.Journal;
using Insurance.Load.Verification;
using Onceward.TestSupport;

namespace Insurance.Load.Tests;

/// <summary>A ledger in which everything is as it should be, made by hand so that a test can spoil one thing.</summary>
/// <remarks>Three policies with three events each, one of them rejected, in two partitions; amounts differ from event to event.</remarks>
internal sealed class HandMadeLedger : IAsyncDisposable
{
    public const string Run = "20261123T000000xabcd";

    private readonly TestDatabase _database;
    private readonly List<JournalEntry> _journal = [];
    private readonly List<PremiumRecord> _premiums = [];

    private HandMadeLedger(TestDatabase database) => _database = database;

    /// <summary>What the topic holds, to be spoiled.</summary>
    public List<PremiumRecord> Premiums => _premiums;

    public static async Task<HandMadeLedger> CreateAsync()
    {
        var scripts = Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        var ledger = new HandMadeLedger(await TestDatabase.CreateAsync(string.Join('\n', scripts.Select(Read))));
        for (var seq = 0; seq < 3; seq++)
            for (var policy = 0; policy < 3; policy++)
                await ledger.ApplyAsync(policy, seq);
        return ledger;
    }

    public Task SpoilAsync(string sql) => _database.ExecuteAsync(sql);

    public async Task<Comparison> CompareAsync(Finding? channels = null)
    {
        await using var connection = await _database.Source.OpenConnectionAsync();
        var comparison = new LedgerComparison(connection);
        await comparison.RequireCountableAsync(CancellationToken.None);
        await comparison.LoadJournalAsync([Run], _journal, CancellationToken.None);
        await comparison.LoadPremiumsAsync(_premiums, CancellationToken.None);
        return await comparison.CompareAsync(channels ?? Finding.None, CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private async Task ApplyAsync(int policy, int seq)
    {
        var (partition, offset, amount) = (policy % 2, (seq * 3) + policy, 1000 + (seq * 3) + policy);
        var (policyId, eventId) = ($"{Run}-{policy}", $"{Run}-{policy}-{seq}");
        var accepted = (policy, seq) is not (2, 2);
        _journal.Add(new JournalEntry(eventId, policyId, partition, offset, "issued"));
        await SpoilAsync($"""
            INSERT INTO underwriting.decision (event_id, policy_id, kind, outcome, premium_kopecks, partition, "offset")
            VALUES ('{eventId}', '{policyId}', 'issued', '{(accepted ? "accepted" : "rejected")}', {(accepted ? amount : "NULL")}, {partition}, {offset});
            INSERT INTO billing.contract_event (event_id, policy_id, kind, outcome, partition, "offset")
            VALUES ('{eventId}', '{policyId}', 'issued', '{(accepted ? "accepted" : "rejected")}', {partition}, {offset});
            """);
        if (!accepted)
            return;
        _premiums.Add(new PremiumRecord(partition, offset, eventId + "/premium", eventId, policyId, amount, new ChannelNumber(1 + partition, offset)));
        foreach (var (account, signed) in ((string, int)[])[("receivable", amount), ("premium_income", -amount)])
            await SpoilAsync($"""
                INSERT INTO billing.entry (premium_event_id, source_event_id, policy_id, account, amount_kopecks, partition, "offset")
                VALUES ('{eventId}/premium', '{eventId}', '{policyId}', '{account}', {signed}, {partition}, {offset});
                INSERT INTO billing.balance VALUES ('{policyId}', '{account}', {signed})
                ON CONFLICT (policy_id, account) DO UPDATE SET balance_kopecks = balance.balance_kopecks + excluded.balance_kopecks;
                """);
    }

    private static string Read(string resource)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
