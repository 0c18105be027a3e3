namespace Insurance.Load;

/// <summary>Ends the command with one line that says what is wrong; for what a user can put right.</summary>
internal sealed class ToolException : Exception
{
    public ToolException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>What the process says to the shell.</summary>
internal static class ExitCodes
{
    public const int Fine = 0;

    /// <summary>verify: something is lost, duplicated, out of order or inconsistent. load: events were refused.</summary>
    public const int Findings = 1;

    /// <summary>The command could not do its work: usage, settings, connections, disk.</summary>
    public const int Unusable = 2;

    /// <summary>load: the give-up deadline passed for some events.</summary>
    public const int GaveUp = 3;

    /// <summary>As shells report a process that Ctrl-C ended.</summary>
    public const int Interrupted = 130;
}
