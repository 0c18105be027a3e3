using Onceward.Broker.Storage;

namespace Onceward.Cli.Broker;

/// <summary>Says in one line that a process may open too few files for a broker; later the runtime would fail, in words of its own.</summary>
internal static class FileHandles
{
    /// <summary>The runtime keeps about 115 files open, a partition that is used one, a client one.</summary>
    public const int Least = 256;

    /// <summary>Null where there are enough, or where the system does not tell.</summary>
    public static string? Refuse(string[] args) => args is ["broker", ..] && OpenFileLimit.OfProcess < Least
        ? $"this process may open {OpenFileLimit.OfProcess} files, and a broker needs {Least} at least: raise the limit (ulimit -n)"
        : null;
}
