using Insurance.Contracts;

namespace Insurance.Hosting;

/// <summary>What the process was asked to do.</summary>
internal abstract record Command;

internal sealed record RunRoles(IReadOnlyList<string> Roles) : Command;

internal sealed record RunSetup : Command;

internal sealed record ShowHelp : Command;

internal static class CommandLine
{
    public static readonly string Usage = $"""
        Insurance --roles ROLE[,ROLE…]   runs these roles: {string.Join(", ", Topology.Roles.All)}
        Insurance setup                  creates what the roles need, where it is not there yet
        """;

    /// <summary>Null, with the reason, where the arguments make no command.</summary>
    public static Command? Parse(IReadOnlyList<string> args, out string error)
    {
        error = "";
        switch (args)
        {
            case ["--help" or "-h"]:
                return new ShowHelp();
            case ["setup"]:
                return new RunSetup();
            case ["--roles", var roles]:
                return ParseRoles(roles, out error);
            case [var single] when single.StartsWith("--roles=", StringComparison.Ordinal):
                return ParseRoles(single["--roles=".Length..], out error);
            case []:
                error = "Nothing to do.";
                return null;
            default:
                error = $"Not understood: {string.Join(' ', args)}";
                return null;
        }
    }

    private static RunRoles? ParseRoles(string text, out string error)
    {
        var roles = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct().ToList();
        var unknown = roles.Where(role => !Topology.Roles.All.Contains(role)).ToList();
        error = unknown.Count > 0 ? $"No such role: {string.Join(", ", unknown)}." : roles.Count == 0 ? "--roles names none." : "";
        return error.Length == 0 ? new RunRoles(roles) : null;
    }
}
