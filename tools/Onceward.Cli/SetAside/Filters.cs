using System.CommandLine;
using System.Text;

namespace Onceward.Cli.SetAside;

/// <summary>The options by which parked keys and dead letters are chosen, and what is said about them.</summary>
internal sealed class Filters
{
    private readonly Option<string?> _worker = CommonOptions.Worker();
    private readonly Option<string?> _topic = CommonOptions.Topic();
    private readonly Option<string?> _key = new("--key") { Description = "Only this key: text, or hex digits behind 0x." };
    private readonly Option<int?> _partition = new("--partition") { Description = "Only records of this partition." };
    private readonly Option<long?> _offset = new("--offset") { Description = "Only the record at this offset." };
    private readonly Option<string?> _reason = new("--reason") { Description = "Only this reason, as it is listed." };
    private readonly Option<string?> _state = new("--state") { Description = "Only this state: waiting or held; open, parked, applied or discarded." };
    private readonly Option<long?> _id = new("--id") { Description = "Only this dead letter." };
    private readonly Option<int> _limit = CommonOptions.Limit();
    private readonly Option<bool> _dryRun = CommonOptions.DryRun();
    private readonly Option<bool> _force = new("--force") { Description = "Go on where the order of a key would be broken." };

    /// <summary>Adds the options to a command.</summary>
    public Command AddTo(Command command, bool letters, bool changes, bool canForce = false)
    {
        foreach (var option in (Option[])[_worker, _topic, _key, _partition, _offset, _reason, _state, _limit])
            command.Options.Add(option);
        if (letters)
            command.Options.Add(_id);
        if (changes)
            command.Options.Add(_dryRun);
        if (canForce)
            command.Options.Add(_force);
        return command;
    }

    public SetAsideFilter Read(ParseResult parsed, bool letters, string? state = null) => new()
    {
        Worker = parsed.GetValue(_worker), Topic = parsed.GetValue(_topic), Key = parsed.GetValue(_key) is { } key ? BytesOf(key) : null,
        Partition = parsed.GetValue(_partition), Offset = parsed.GetValue(_offset), Reason = parsed.GetValue(_reason),
        State = parsed.GetValue(_state) ?? state, Id = letters ? parsed.GetValue(_id) : null, Limit = parsed.GetValue(_limit),
    };

    public Intervention Decision(ParseResult parsed, bool canForce = false) =>
        new(Environment.UserName, parsed.GetValue(_dryRun), canForce && parsed.GetValue(_force));

    /// <summary>Nothing is changed by a command that names nothing: a forgotten option must not touch everything.</summary>
    public static void RequireNarrow(SetAsideFilter filter)
    {
        if (filter is { Worker: null, Topic: null, Key: null, Partition: null, Offset: null, Reason: null, Id: null })
            throw new ToolException("That would be about everything: name what it is about, by --worker at least. Nothing was changed.");
    }

    /// <summary>A line for each outcome, and the exit code that sums them up.</summary>
    public static int Write(IReadOnlyList<Outcome> outcomes, bool dryRun, TextWriter output)
    {
        var table = new TextTable("WORKER", "TOPIC", "KEY", "RECORD", "OUTCOME");
        foreach (var o in outcomes)
            table.Add(o.Worker, o.Topic, TextOf(o.Key), o.Position, Word(o.Verdict, dryRun));
        table.WriteTo(output, "Nothing matches.");
        return outcomes.Any(o => o.Verdict is Verdict.BreaksOrder or Verdict.AlreadyDiscarded) ? ExitCodes.Refused : ExitCodes.Fine;
    }

    public static string? TextOf(byte[]? bytes)
    {
        if (bytes is null)
            return null;
        var text = Encoding.UTF8.GetString(bytes);
        return text.AsSpan().ContainsAny('\uFFFD', '\0') || text.Any(char.IsControl) ? $"0x{Convert.ToHexStringLower(bytes)}" : text;
    }

    private static string Word(Verdict verdict, bool dryRun) => verdict switch
    {
        Verdict.Applies => dryRun ? "would apply" : "done",
        Verdict.AlreadyApplied => "already applied",
        Verdict.AlreadyParked => "already parked",
        Verdict.AlreadyDiscarded => "discarded: --force sends it back",
        Verdict.BreaksOrder => "would break order: --force goes on",
        _ => verdict.ToString(),
    };

    private static byte[] BytesOf(string key)
    {
        try
        {
            return key.StartsWith("0x", StringComparison.Ordinal) ? Convert.FromHexString(key.AsSpan(2)) : Encoding.UTF8.GetBytes(key);
        }
        catch (FormatException e)
        {
            throw new ToolException($"--key '{key}' begins with 0x and is no hex.", e);
        }
    }
}
