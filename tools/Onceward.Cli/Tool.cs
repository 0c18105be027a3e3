using System.CommandLine;
using Confluent.Kafka;
using Npgsql;
using Onceward.Cli.Broker;
using Onceward.Cli.Incidents;
using Onceward.Cli.Offsets;
using Onceward.Cli.Outbox;
using Onceward.Cli.SetAside;

namespace Onceward.Cli;

/// <summary>The tool as a function: its tests call it like this.</summary>
internal static class Tool
{
    /// <summary>Runs one command. A command group is a folder with a <c>Create</c> that is listed here.</summary>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var servers = new Servers();
        var root = new RootCommand("Looks into Onceward's ledger, and changes it where a person has decided.")
        {
            BrokerCommand.Create(),
            OffsetsCommand.Create(servers, output),
            ParkedCommand.Create(servers, output),
            DlqCommand.Create(servers, output),
            IncidentsCommand.Create(servers, output),
            OutboxCommand.Create(servers, output),
        };
        servers.AddTo(root);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var mistake in parsed.Errors)
                await error.WriteLineAsync(mistake.Message);
            return ExitCodes.Unusable;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        // What a server says is for the person at the terminal: one line, no stack.
        catch (Exception e) when (e is ToolException or OncewardException or NpgsqlException or KafkaException)
        {
            await error.WriteLineAsync(e.Message);
            return ExitCodes.Unusable;
        }
    }
}
