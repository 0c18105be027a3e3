// The handler of the README, whole. A test holds the two against each other.
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Onceward;

var builder = Host.CreateApplicationBuilder(args);
var connectionString = builder.Configuration["ONCEWARD_POSTGRES"] ?? "Host=localhost;Database=accounts";

builder.Services.AddSingleton(NpgsqlDataSource.Create(connectionString));
builder.Services.AddOnceward(o => o.BootstrapServers = "localhost:9092")
    .AddWorker("accounts", w => w
        .From("deposits")
        .Handle<Deposit, DepositHandler>()
        .DeadLetterTo("deposits.dlq"));

await builder.Build().RunAsync();

sealed record Deposit(string Account, decimal Amount);

sealed record BalanceChanged(string Account, decimal By);

sealed class DepositHandler : IHandler<Deposit>
{
    public async ValueTask HandleAsync(Deposit deposit, RecordContext context, CancellationToken cancellationToken)
    {
        await context.Connection.ExecuteAsync("UPDATE account SET balance = balance + @Amount WHERE id = @Account", deposit, context.Transaction);
        context.Publish("balances", deposit.Account, new BalanceChanged(deposit.Account, deposit.Amount));
    }
}
