using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Onceward.Bench;

/// <summary>What a reader of the table must know: hardware, versions, commit. Nothing that names the machine.</summary>
internal static class Machine
{
    public static string Root { get; } = FindRoot();

    public static string Cpu() =>
        File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : RuntimeInformation.ProcessArchitecture.ToString();

    public static string Commit() => Git("rev-parse --short=12 HEAD") + (Git("status --porcelain --untracked-files=no").Length > 0 ? ", with changes" : "");

    private static string Git(string arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = Root, RedirectStandardOutput = true, UseShellExecute = false })!;
        var answer = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return answer;
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Onceward.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The benchmark runs in a checkout: no Onceward.slnx above it.");
        return folder;
    }
}
