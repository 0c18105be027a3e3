using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Onceward.Broker.Bench;

/// <summary>A broker in a process of its own, and how long it took until it answered a client.</summary>
internal sealed class BrokerProcess(Process process, string servers, TimeSpan started) : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public string Servers => servers;

    public TimeSpan Started => started;

    /// <summary>Resident memory, in MiB. A shell that ends in exec is the broker itself.</summary>
    public double ResidentMiB
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64 / 1024.0 / 1024;
        }
    }

    /// <summary>Files and sockets that it holds.</summary>
    public int Handles => Directory.GetFiles($"/proc/{process.Id}/fd").Length;

    public int Threads
    {
        get
        {
            process.Refresh();
            return process.Threads.Count;
        }
    }

    /// <summary>Starts a command and asks the port until something behind it speaks Kafka.</summary>
    public static async Task<BrokerProcess> StartAsync(ProcessStartInfo command, int port)
    {
        command.UseShellExecute = false;
        command.RedirectStandardOutput = true;
        command.RedirectStandardError = true;
        var watch = Stopwatch.StartNew();
        var process = Process.Start(command)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        while (!await AnswersAsync(port))
        {
            if (process.HasExited || watch.Elapsed > s_patience)
                throw new InvalidOperationException($"{command.FileName} {string.Join(' ', command.ArgumentList)} did not come up.");
            await Task.Delay(5);
        }
        return new BrokerProcess(process, $"127.0.0.1:{port}", watch.Elapsed);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    /// <summary>An ApiVersions request of version 0, answered without an error.</summary>
    public static async Task<bool> AnswersAsync(int port)
    {
        byte[] request = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0];
        var answer = new byte[10];
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(request);
            await using var stream = new NetworkStream(socket);
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await stream.ReadExactlyAsync(answer, deadline.Token);
            return answer.AsSpan(8).SequenceEqual(new byte[] { 0, 0 });
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return false;
        }
    }
}
