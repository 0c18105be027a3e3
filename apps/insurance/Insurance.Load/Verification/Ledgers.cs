namespace Insurance.Load.Verification;

/// <summary>How the effects of the system are found in each of its ledgers.</summary>
/// <param name="Name">As it is shown.</param>
/// <param name="Rows">Statement: id, event_id, partition, offset, for the effects of the chosen runs. The id gives the order in which they came about.</param>
/// <param name="RowsPerEffect">Two for a booking: debit and credit.</param>
/// <param name="Expected">Statement: the acknowledged event ids that must have an effect.</param>
internal sealed record LedgerQuery(string Name, string Rows, int RowsPerEffect, string Expected);

internal static class Ledgers
{
    /// <summary>The tables whose rows are counted; nothing in the database may hinder a second effect, or counting would prove nothing.</summary>
    public static readonly IReadOnlyList<string> Counted = ["underwriting.decision", "billing.contract_event", "billing.entry"];

    private const string OfRuns = "IN (SELECT run FROM pg_temp.run)";

    private const string Everything = "SELECT event_id FROM pg_temp.journal";

    // Only what was accepted costs something.
    private const string Accepted = """
        SELECT DISTINCT j.event_id FROM pg_temp.journal j JOIN underwriting.decision d ON d.event_id = j.event_id AND d.outcome = 'accepted'
        """;

    public static readonly LedgerQuery Decisions = new(
        "underwriting.decision",
        $"""SELECT id, event_id, partition, "offset" FROM underwriting.decision WHERE split_part(event_id, '-', 1) {OfRuns}""",
        RowsPerEffect: 1,
        Everything);

    public static readonly LedgerQuery ContractEvents = new(
        "billing.contract_event",
        $"""SELECT id, event_id, partition, "offset" FROM billing.contract_event WHERE split_part(event_id, '-', 1) {OfRuns}""",
        RowsPerEffect: 1,
        Everything);

    // Records of one partition have an order; across partitions there is none, so this one is as good as any.
    public static readonly LedgerQuery Premiums = new(
        "auto.premiums",
        """SELECT partition * 1000000000000 + "offset", source_event_id, partition, "offset" FROM pg_temp.premium""",
        RowsPerEffect: 1,
        Accepted);

    public static readonly LedgerQuery Entries = new(
        "billing.entry",
        $"""SELECT id, source_event_id, partition, "offset" FROM billing.entry WHERE split_part(source_event_id, '-', 1) {OfRuns}""",
        RowsPerEffect: 2,
        Accepted);

    public static readonly IReadOnlyList<LedgerQuery> All = [Decisions, ContractEvents, Premiums, Entries];
}
