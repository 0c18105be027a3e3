using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Insurance.Contracts;
using Insurance.Grpc.Client;

namespace Insurance.Gateway.Tests.Live;

/// <summary>The real program in a process of its own.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    public const string Token = "a-token-for-tests-only";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output;

    private GatewayProcess(Process process, ConcurrentQueue<string> output, int port, int healthPort)
    {
        _process = process;
        _output = output;
        Address = $"127.0.0.1:{port}";
        Channel = GrpcChannel.ForAddress($"http://{Address}");
        Client = new PolicyGateway.PolicyGatewayClient(Channel);
        Health = new Health.HealthClient(Channel);
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{healthPort}") };
    }

    public static Metadata Authorized => new() { { "authorization", $"Bearer {Token}" } };

    public string Address { get; }

    public GrpcChannel Channel { get; }

    public PolicyGateway.PolicyGatewayClient Client { get; }

    public Health.HealthClient Health { get; }

    public HttpClient Http { get; }

    public string Output => string.Join('\n', _output);

    /// <summary>A gateway that listens; whether it reaches its brokers is another matter.</summary>
    public static async Task<GatewayProcess> StartAsync(string brokers)
    {
        var (port, healthPort) = (FreePort(), FreePort());
        var (process, output) = Launch(["--roles", "gateway"], brokers, port, healthPort);
        var gateway = new GatewayProcess(process, output, port, healthPort);
        await gateway.EventuallyAsync(async () => (await gateway.Http.GetAsync("/health/live")).IsSuccessStatusCode);
        return gateway;
    }

    /// <summary>Runs the program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string[] args, string brokers, int port = 0, int setupSeconds = 60)
    {
        var (process, output) = Launch(args, brokers, port, healthPort: 0, setupSeconds);
        using (process)
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
            return (process.ExitCode, string.Join('\n', output));
        }
    }

    public Task ServingAsync() => EventuallyAsync(async () =>
        (await Health.CheckAsync(new HealthCheckRequest())).Status == HealthCheckResponse.Types.ServingStatus.Serving);

    /// <summary>Asks the process to end, as a supervisor would.</summary>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -TERM {_process.Id}"]);
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        Http.Dispose();
        Channel.Dispose();
        _process.Dispose();
    }

    private static (Process Process, ConcurrentQueue<string> Output) Launch(
        string[] args, string brokers, int port, int healthPort, int setupSeconds = 60)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Insurance.dll"), .. args])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["KAFKA_BOOTSTRAP_SERVERS"] = brokers,
                ["INSURANCE_GRPC_PORT"] = $"{port}",
                ["INSURANCE_HEALTH_PORT"] = $"{healthPort}",
                ["INSURANCE_GATEWAY_TOKEN"] = Token,
                ["INSURANCE_SETUP_TIMEOUT_SECONDS"] = $"{setupSeconds}",
            },
        };
        var output = new ConcurrentQueue<string>();
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return (process, output);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (Exception exception) when (exception is HttpRequestException or RpcException)
            {
                // Not yet.
            }

            if (_process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
                throw new InvalidOperationException($"The gateway did not come up:\n{Output}");
            await Task.Delay(50);
        }
    }
}
