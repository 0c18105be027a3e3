using Npgsql;

namespace Onceward.Postgres.Lanes;

/// <summary>Handlers that begin a COPY on the batch's connection and do not end it.</summary>
public sealed class CopyTests
{
    public enum Copying
    {
        Import,
        ImportOfText,
        ImportOfBytes,
        Export,
    }

    [Theory]
    [InlineData(Copying.Import, false)]
    [InlineData(Copying.Import, true)]
    [InlineData(Copying.ImportOfText, false)]
    [InlineData(Copying.ImportOfBytes, false)]
    [InlineData(Copying.Export, false)]
    [InlineData(Copying.Export, true)]
    public async Task A_handler_that_leaves_a_COPY_open_is_named_its_record_parked_and_nothing_of_the_COPY_kept(Copying copying, bool setBased)
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2, setBased: setBased, script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                await context.ExecuteEffectAsync(value);
                if (value == "leaky")
                    await CopyAsync(copying, context.Connection, cancellationToken);
            },
            Many = async (records, context, cancellationToken) =>
            {
                foreach (var (value, source) in records)
                    context.Stage(Effect.Insert(source, value));
                if (records.Any(r => r.Message == "leaky"))
                    await CopyAsync(copying, context.Connection, cancellationToken);
            },
        });
        lane.Claim(0, "a", "b", "leaky", "c");
        lane.Claim(1, "d");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1", "0:3", "1:0"], ignoreOrder: true);
        (await lane.DeadLettersAsync()).ShouldBe([$"0:2 {ErrorCodes.HandlerLeak} 2"]);
        (await lane.Database.ScalarAsync<string>("SELECT error FROM onceward.dead_letter")).ShouldContain(setBased ? nameof(ScriptedBatchHandler) : nameof(ScriptedHandler));
    }

    /// <summary>Begins a COPY of something, and leaves it as it is.</summary>
    private static async Task CopyAsync(Copying copying, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        const string In = """COPY effect (partition, "offset", value) FROM STDIN""";
        switch (copying)
        {
            case Copying.Import:
                var import = await connection.BeginBinaryImportAsync($"{In} (FORMAT binary)", cancellationToken);
                await import.StartRowAsync(cancellationToken);
                await import.WriteAsync(9, cancellationToken);
                break;
            case Copying.ImportOfText:
                await (await connection.BeginTextImportAsync(In, cancellationToken)).WriteAsync("9\t9\tcopied\n".AsMemory(), cancellationToken);
                break;
            case Copying.ImportOfBytes:
                await (await connection.BeginRawBinaryCopyAsync($"{In} (FORMAT binary)", cancellationToken)).WriteAsync("PGCOPY\n"u8.ToArray(), cancellationToken);
                break;
            default:
                await (await connection.BeginBinaryExportAsync("COPY (SELECT generate_series(1, 100000)) TO STDOUT (FORMAT binary)", cancellationToken)).StartRowAsync(cancellationToken);
                break;
        }
    }
}
