using Insurance.Hosting;
using Insurance.Setup;

var command = CommandLine.Parse(args, out var error);
switch (command)
{
    case RunRoles run:
        return await RoleHost.RunAsync(run.Roles);
    case RunSetup:
        return await SetupCommand.RunAsync();
    case ShowHelp:
        Console.WriteLine(CommandLine.Usage);
        return 0;
    default:
        await Console.Error.WriteLineAsync(error);
        await Console.Error.WriteLineAsync(CommandLine.Usage);
        return 1;
}
