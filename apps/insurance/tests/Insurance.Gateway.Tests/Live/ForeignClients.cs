using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Insurance.Gateway.Tests.Live;

/// <summary>Programs in other languages, on gRPC implementations of their own, against the real gateway.</summary>
public sealed class ForeignClients(GatewayFixture fixture, ITestOutputHelper output) : IClassFixture<GatewayFixture>
{
    private const int MinScenarios = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Node_with_grpc_js()
    {
        var gateway = fixture.Gateway;
        var directory = Location("ForeignClients");
        var installed = Directory.Exists(Path.Combine(directory, "node_modules"));
        Assert.SkipUnless(installed, $"Run 'npm ci' in {directory}, with Node 18 or later.");
        var program = Path.Combine(directory, "client.js");
        await PassesAsync("node", [program, gateway.Address, GatewayProcess.Token, Location("Contracts"), Location("CommonProtos")]);
    }

    [Fact]
    public async Task Python_with_the_C_core()
    {
        var gateway = fixture.Gateway;
        // The distribution's interpreter, because its packages hold the library.
        const string python = "/usr/bin/python3";
        var probe = File.Exists(python) ? await RunAsync(python, ["-c", "import grpc, google.protobuf"]) : (ExitCode: 1, Output: "");
        Assert.SkipUnless(probe.ExitCode == 0, "Install python3-grpcio and python3-protobuf.");
        var generated = Directory.CreateTempSubdirectory("onceward-python-");
        try
        {
            await GenerateAsync(generated.FullName);
            var program = Path.Combine(Location("ForeignClients"), "client.py");
            await PassesAsync(python, [program, gateway.Address, GatewayProcess.Token, generated.FullName]);
        }
        finally
        {
            generated.Delete(recursive: true);
        }
    }

    private async Task PassesAsync(string program, string[] args)
    {
        var (exitCode, text) = await RunAsync(program, args);
        output.WriteLine(text);
        exitCode.ShouldBe(0, text);
        text.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(MinScenarios);
    }

    private static async Task GenerateAsync(string directory)
    {
        var tools = Location("GrpcTools");
        var platform = OperatingSystem.IsMacOS() ? "macosx_x64"
            : RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux_arm64"
            : "linux_x64";
        var (exitCode, text) = await RunAsync(
            Path.Combine(tools, "tools", platform, "protoc"),
            [
                $"--python_out={directory}", $"-I{Location("Contracts")}", $"-I{Location("CommonProtos")}",
                $"-I{Path.Combine(tools, "build/native/include")}",
                "gateway.proto", "health.proto", "policy_events.proto", "google/rpc/status.proto", "google/rpc/error_details.proto",
            ]);
        exitCode.ShouldBe(0, text);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] args)
    {
        var start = new ProcessStartInfo(program, args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var texts = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, string.Concat(await texts));
    }

    private static string Location(string name) =>
        typeof(ForeignClients).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == name).Value!;
}
