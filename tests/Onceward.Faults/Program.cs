using System.Runtime.InteropServices;
using Onceward.Faults;
using Onceward.Faults.Checking;
using Onceward.Faults.Stage;

// The fault run: ./onceward verify faults starts the servers and this program. Exit codes: see Report; 2 for a wrong command, 4 for a run that could not
// be finished.
const int WrongCommand = 2;
const int NotFinished = 4;

RunOptions options;
try
{
    options = RunOptions.Parse(args);
}
catch (FormatException e)
{
    Console.Error.WriteLine($"onceward: {e.Message}");
    return WrongCommand;
}
using var stopping = new CancellationTokenSource();
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stopping.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
void Say(string line) => Console.WriteLine($"· {line}");
try
{
    await using var scene = await Scene.CreateAsync(options, stopping.Token);
    using var conductor = new Conductor(scene, options, Say);
    var history = await conductor.RunAsync(stopping.Token);
    var report = new Report(options, scene, [.. conductor.Inflicted], history, Checker.Check(history));
    var text = report.Write();
    File.WriteAllText(Path.Combine(options.State, "results", $"faults-{options.Backend}-{options.Seed}.txt"), text + "\n");
    Console.WriteLine(text);
    return report.ExitCode;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    Console.Error.WriteLine("onceward: the fault run was interrupted");
    return NotFinished;
}
// The boundary of the program: a run that could not be finished proves nothing, and says why.
catch (Exception e)
{
    Console.Error.WriteLine($"onceward: the fault run could not be finished: {e}");
    return NotFinished;
}
