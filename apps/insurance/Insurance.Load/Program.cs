using System.CommandLine;
using Insurance.Load;

var root = new RootCommand("Drives the insurance system, and checks that every acknowledged event took effect exactly once, in order.")
{
    LoadCommand.Create(),
    VerifyCommand.Create(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        await Console.Error.WriteLineAsync(error.Message);
    return ExitCodes.Unusable;
}

try
{
    // Ctrl-C cancels the command, which then still has to write the end of its journal.
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
}
catch (ToolException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return ExitCodes.Unusable;
}
catch (OperationCanceledException)
{
    return ExitCodes.Interrupted;
}
