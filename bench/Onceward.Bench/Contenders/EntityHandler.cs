using Microsoft.EntityFrameworkCore;
using Onceward.EntityFrameworkCore;

namespace Onceward.Bench.Contenders;

/// <summary>A row of the table of effects, as Entity Framework sees it.</summary>
internal sealed class EffectRow
{
    public int Partition { get; init; }

    public long Offset { get; init; }

    public long Amount { get; init; }

    public byte[] Payload { get; init; } = [];
}

internal sealed class EffectContext(DbContextOptions<EffectContext> options) : DbContext(options)
{
    public DbSet<EffectRow> Effects => Set<EffectRow>();

    // The key is Entity Framework's affair: the table has none, or a record applied twice would not show.
    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<EffectRow>(row =>
    {
        row.ToTable("effect").HasKey(r => new { r.Partition, r.Offset });
        row.Property(r => r.Partition).HasColumnName("partition").ValueGeneratedNever();
        row.Property(r => r.Offset).HasColumnName("offset").ValueGeneratedNever();
        row.Property(r => r.Amount).HasColumnName("amount");
        row.Property(r => r.Payload).HasColumnName("payload");
    });
}

/// <summary>Adds an entity for each record; the framework saves once a batch.</summary>
internal sealed class EntityHandler : IEntityHandler<long, EffectContext>
{
    public ValueTask HandleAsync(long message, EffectContext entities, RecordContext context, CancellationToken cancellationToken)
    {
        var record = context.Record;
        entities.Effects.Add(new EffectRow { Partition = record.Partition.Value, Offset = record.Offset.Value, Amount = message, Payload = record.Message.Value });
        return ValueTask.CompletedTask;
    }
}
