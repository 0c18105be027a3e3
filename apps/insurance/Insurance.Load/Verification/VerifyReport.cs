using Spectre.Console;

namespace Insurance.Load.Verification;

/// <summary>Shows a comparison: a table, what breaks which rule, and the one line that sums it up.</summary>
internal static class VerifyReport
{
    public static void Write(Comparison comparison)
    {
        // Into a file or a pipe the table goes whole and without colours; what a terminal can do the library finds by itself.
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 140;
            AnsiConsole.Profile.Capabilities.Ansi = false;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumn("ledger");
        foreach (var heading in (string[])["acknowledged", "with effect", "lost", "duplicated", "out of order", "applied, never acknowledged"])
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (var ledger in comparison.Ledgers)
            table.AddRow(
                new Text(ledger.Ledger),
                new Text($"{ledger.Expected:N0}"),
                new Text($"{ledger.Effects:N0}"),
                Error(ledger.Lost),
                Error(ledger.Duplicated),
                Error(ledger.OutOfOrder),
                new Text($"{ledger.Unacknowledged.Count:N0}"));
        AnsiConsole.Write(table);

        foreach (var ledger in comparison.Ledgers)
        {
            Examples($"{ledger.Ledger}: lost", ledger.Lost);
            Examples($"{ledger.Ledger}: duplicated", ledger.Duplicated);
            Examples($"{ledger.Ledger}: out of order", ledger.OutOfOrder);
            Examples($"{ledger.Ledger}: applied, never acknowledged (no error)", ledger.Unacknowledged);
        }

        foreach (var (rule, broken) in comparison.Consistency)
            Examples($"Broken rule: {rule}", broken);
        Console.WriteLine($"{comparison.Consistency.Count} rules between the ledgers, {comparison.Inconsistent} violations");
        Console.WriteLine($"{comparison.Lost} lost, {comparison.Duplicated} duplicated, {comparison.OutOfOrder} out of order");
    }

    private static Text Error(Finding finding) => new($"{finding.Count:N0}", finding.Count > 0 ? new Style(Color.Red, decoration: Decoration.Bold) : Style.Plain);

    private static void Examples(string what, Finding finding)
    {
        if (finding.Count > 0)
            Console.WriteLine($"{what}: {finding.Count:N0}, such as {string.Join(", ", finding.Examples)}");
    }
}
