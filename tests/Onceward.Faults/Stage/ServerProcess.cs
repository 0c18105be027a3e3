using System.Net;
using System.Net.Sockets;

namespace Onceward.Faults.Stage;

/// <summary>A server that the launcher started and starts again whenever it is gone.</summary>
internal sealed class ServerProcess(string name, int port, string state)
{
    public string Name => name;

    /// <summary>Sends a signal to the process on file. Returns whether it was there.</summary>
    public bool Signal(int signal) => PidFiles.Find(state, name) is { } pid && Signals.TrySend(pid, signal);

    /// <summary>Waits until another process than <paramref name="former"/> takes connections.</summary>
    public async Task IsBackAsync(int? former, CancellationToken cancellationToken)
    {
        while (PidFiles.Find(state, name) is not { } pid || pid == former || !await ListensAsync(cancellationToken))
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
    }

    public int? Pid => PidFiles.Find(state, name);

    private async Task<bool> ListensAsync(CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
