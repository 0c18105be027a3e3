namespace Onceward.Lanes;

/// <summary>Finds the records at fault in a batch that failed, by savepoints and halving, and applies all others.</summary>
/// <remarks>
/// <para><b>Order:</b> parts are applied from left to right, and before each one it is asked again which of its records may be applied: nothing of
/// a key is applied past a record of it that was set aside.</para>
/// <para><b>Cost:</b> two log n runs of the handler for each record at fault; none where nothing fails.</para>
/// </remarks>
internal sealed class RecordIsolation(SavepointRunner runner, Diversion diversion)
{
    /// <summary>Applies what can be applied of <paramref name="records"/>.</summary>
    public async Task ApplyAsync(Run run, ReadOnlyMemory<Record> records, CancellationToken cancellationToken)
    {
        records = diversion.Admit(run, records);
        if (records.IsEmpty)
            return;
        if (await runner.TryApplyAsync(run.Subscription, records, run.Scope, cancellationToken).ConfigureAwait(false) is not { } failure)
        {
            diversion.Succeeded(run.Subscription, records.Length);
            return;
        }
        if (records.Length == 1)
        {
            diversion.SetAside(run, records.Span[0], failure);
            return;
        }
        var half = records.Length / 2;
        await ApplyAsync(run, records[..half], cancellationToken).ConfigureAwait(false);
        await ApplyAsync(run, records[half..], cancellationToken).ConfigureAwait(false);
    }
}
