namespace Onceward.Faults.Stage;

/// <summary>The launcher's pid files: <c>NAME.pid</c>, and <c>NAME.birth</c> which tells a process from a later one under its number.</summary>
/// <remarks>Children are put on file too, so that the launcher ends them if this process dies before it can.</remarks>
internal static class PidFiles
{
    private static readonly string s_boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public static void Record(string state, string name, int pid)
    {
        if (BirthOf(pid) is not { } birth)
            return;
        File.WriteAllText(PathOf(state, name, "birth"), birth);
        File.WriteAllText(PathOf(state, name, "pid"), $"{pid}\n");
    }

    public static void Forget(string state, string name)
    {
        File.Delete(PathOf(state, name, "pid"));
        File.Delete(PathOf(state, name, "birth"));
    }

    /// <summary>The pid of a process on file that is alive.</summary>
    public static int? Find(string state, string name)
    {
        try
        {
            return int.TryParse(File.ReadAllText(PathOf(state, name, "pid")), out var pid) && BirthOf(pid) is { } birth
                && birth == File.ReadAllText(PathOf(state, name, "birth")).Trim() ? pid : null;
        }
        catch (IOException)
        {
            // Just being written, or not there.
            return null;
        }
    }

    /// <summary>Boot and start time of a process; nothing for one that is gone or waits to be reaped.</summary>
    private static string? BirthOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The name in parentheses may hold blanks; the state follows it.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" ? null : $"{s_boot}-{fields[19]}";
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string PathOf(string state, string name, string kind) => Path.Combine(state, "run", $"{name}.{kind}");
}
