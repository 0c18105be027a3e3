using System.Runtime.InteropServices;

namespace Onceward.Faults.Stage;

/// <summary>Signals of Linux.</summary>
internal static partial class Signals
{
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static bool TrySend(int pid, int signal) => SendSignal(pid, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
