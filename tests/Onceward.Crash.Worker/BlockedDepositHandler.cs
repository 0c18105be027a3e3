using Npgsql;
using Onceward.TestSupport;

namespace Onceward.Crash;

/// <summary>Fails on an account in ten for as long as the table <c>blocked</c> has a row, so that its key is parked.</summary>
internal sealed class BlockedDepositHandler : IHandler<Deposit>
{
    private readonly DepositHandler _inner = new();

    public async ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken)
    {
        if (message.Account.EndsWith("-3", StringComparison.Ordinal))
        {
            await using var look = new NpgsqlCommand("SELECT EXISTS (SELECT FROM blocked)", context.Connection, context.Transaction);
            if ((bool)(await look.ExecuteScalarAsync(cancellationToken))!)
                throw new InvalidOperationException("blocked by the test");
        }
        await _inner.HandleAsync(message, context, cancellationToken);
    }
}
