using System.Diagnostics;

namespace Onceward.Unit.House;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>The files that git knows, as paths from the root.</summary>
    public static IReadOnlyList<string> Files { get; } = List();

    public static string[] LinesOf(string file) => File.ReadAllLines(Path.Combine(Root, file));

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Onceward.slnx")))
                return folder.FullName;
        throw new DirectoryNotFoundException("No folder above the tests has Onceward.slnx.");
    }

    private static string[] List()
    {
        var start = new ProcessStartInfo("git", ["-C", Root, "-c", "safe.directory=*", "-c", "core.quotePath=false", "ls-files"]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var git = Process.Start(start) ?? throw new InvalidOperationException("git does not start.");
        var files = git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        return [.. files.Where(f => File.Exists(Path.Combine(Root, f)))];
    }
}
