using System.CommandLine;

namespace Onceward.Cli;

/// <summary>Options that mean the same in every command that has them.</summary>
internal static class CommonOptions
{
    public static Option<string?> Worker() => new("--worker") { Description = "Only this worker." };

    public static Option<string?> Topic() => new("--topic") { Description = "Only this input topic." };

    public static Option<int> Limit() => new("--limit") { Description = "At most so many, the oldest first.", DefaultValueFactory = _ => 100 };

    public static Option<bool> DryRun() => new("--dry-run") { Description = "Say what would happen, and change nothing." };
}
