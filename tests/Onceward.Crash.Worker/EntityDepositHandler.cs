using Microsoft.EntityFrameworkCore;
using Onceward.EntityFrameworkCore;
using Onceward.TestSupport;

namespace Onceward.Crash;

/// <summary>The table <c>effect</c> as an entity.</summary>
internal sealed class EffectEntity
{
    public long Id { get; set; }

    public int Partition { get; set; }

    public long Offset { get; set; }

    public string Account { get; set; } = "";

    public int Sequence { get; set; }
}

/// <summary>The table <c>balance</c> as an entity.</summary>
internal sealed class BalanceEntity
{
    public string Account { get; set; } = "";

    public long Amount { get; set; }
}

internal sealed class DepositContext(DbContextOptions<DepositContext> options) : DbContext(options)
{
    public DbSet<EffectEntity> Effects => Set<EffectEntity>();

    public DbSet<BalanceEntity> Balances => Set<BalanceEntity>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<EffectEntity>(e =>
        {
            e.ToTable("effect");
            e.Property(x => x.Id).HasColumnName("id").UseIdentityAlwaysColumn();
            e.Property(x => x.Partition).HasColumnName("partition");
            e.Property(x => x.Offset).HasColumnName("offset");
            e.Property(x => x.Account).HasColumnName("account");
            e.Property(x => x.Sequence).HasColumnName("sequence");
        });
        modelBuilder.Entity<BalanceEntity>(e =>
        {
            e.ToTable("balance");
            e.HasKey(x => x.Account);
            e.Property(x => x.Account).HasColumnName("account");
            e.Property(x => x.Amount).HasColumnName("amount");
        });
    }
}

/// <summary>Reads, adds and saves, as code with Entity Framework does: nothing in it is idempotent.</summary>
internal sealed class EntityDepositHandler : IEntityHandler<Deposit, DepositContext>
{
    public static string? Output { get; set; }

    public async ValueTask HandleAsync(Deposit message, DepositContext entities, RecordContext context, CancellationToken cancellationToken)
    {
        entities.Effects.Add(new EffectEntity
        {
            Partition = context.Record.Partition.Value, Offset = context.Record.Offset.Value, Account = message.Account, Sequence = message.Sequence,
        });
        if (await entities.Balances.FindAsync([message.Account], cancellationToken) is { } balance)
            balance.Amount += message.Amount;
        else
            entities.Balances.Add(new BalanceEntity { Account = message.Account, Amount = message.Amount });
        if (Output is not null)
            context.Publish(Output, message.Account, $"{message.Account}:{message.Sequence}");
    }
}
