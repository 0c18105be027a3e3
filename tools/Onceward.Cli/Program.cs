using Onceward.Cli;
using Onceward.Cli.Broker;

if (FileHandles.Refuse(args) is { } line)
{
    await Console.Error.WriteLineAsync(line);
    return ExitCodes.Unusable;
}
return await Tool.RunAsync(args, Console.Out, Console.Error);
