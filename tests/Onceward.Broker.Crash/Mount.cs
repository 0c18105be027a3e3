using System.Diagnostics;

namespace Onceward.Broker.Crash;

/// <summary>A small disk of a test's own. Where the system does not let it be mounted the test is skipped, and says so.</summary>
internal sealed class Mount : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private Mount()
    {
    }

    public string Path => directory.Path;

    private string Filler => directory.File("filler");

    public static Mount Create(int mebibytes)
    {
        var mount = new Mount();
        if (Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "tmpfs", mount.Path) is { } problem)
        {
            mount.directory.Dispose();
            Assert.Skip($"a disk that fills cannot be mounted here: {problem}");
        }
        return mount;
    }

    /// <summary>Leaves that much room and no more.</summary>
    public void Fill(long leave)
    {
        using var filler = File.Create(Filler);
        var chunk = new byte[4096];
        while (new DriveInfo(Path).AvailableFreeSpace > leave)
        {
            filler.Write(chunk);
            filler.Flush();
        }
    }

    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        if (Run("umount", "-l", Path) is { } problem)
            throw new InvalidOperationException(problem);
        directory.Dispose();
    }

    /// <summary>Null: it went well.</summary>
    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            var problem = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : problem.Trim();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
