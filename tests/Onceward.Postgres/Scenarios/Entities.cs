using Microsoft.EntityFrameworkCore;
using Onceward.EntityFrameworkCore;

namespace Onceward.Postgres.Scenarios;

/// <summary>The table <c>effect</c> as an entity.</summary>
internal sealed class EffectEntity
{
    public long Id { get; set; }

    public int Partition { get; set; }

    public long Offset { get; set; }

    public string Value { get; set; } = "";
}

internal sealed class EffectsContext(DbContextOptions<EffectsContext> options) : DbContext(options)
{
    public DbSet<EffectEntity> Effects => Set<EffectEntity>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<EffectEntity>(e =>
    {
        e.ToTable("effect");
        e.Property(x => x.Id).HasColumnName("id").UseIdentityAlwaysColumn();
        e.Property(x => x.Partition).HasColumnName("partition");
        e.Property(x => x.Offset).HasColumnName("offset");
        e.Property(x => x.Value).HasColumnName("value");
    });
}

/// <summary>Adds an entity, publishes, and fails where the scenario says so.</summary>
internal sealed class EntityHandler(Script script, Trouble trouble) : IEntityHandler<string, EffectsContext>
{
    public ValueTask HandleAsync(string message, EffectsContext entities, RecordContext context, CancellationToken cancellationToken)
    {
        script.Calls.Add($"{context.Record.Partition.Value}:{context.Record.Offset.Value}");
        entities.Effects.Add(new EffectEntity { Partition = context.Record.Partition.Value, Offset = context.Record.Offset.Value, Value = message });
        context.Publish("out", null, message);
        trouble.Contexts.Add(entities);
        return trouble.Fails(message) ? throw new InvalidOperationException(message) : ValueTask.CompletedTask;
    }
}

/// <summary>Which values fail.</summary>
internal sealed class Trouble
{
    public bool IsRepaired { get; set; }

    public HashSet<DbContext> Contexts { get; } = [];

    public bool Fails(string value) => !IsRepaired && value.Contains("bad", StringComparison.Ordinal);
}
