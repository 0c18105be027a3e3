namespace Onceward.Cli;

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

    /// <summary>The command did its work and says no: what was asked would break a promise.</summary>
    public const int Refused = 1;

    /// <summary>The command could not do its work: usage, settings, connections.</summary>
    public const int Unusable = 2;

    /// <summary>As shells report a process that Ctrl-C ended.</summary>
    public const int Interrupted = 130;
}
