using System.CommandLine;

namespace Onceward.Cli.Offsets;

/// <summary><c>onceward offsets</c>: where workers stand, and moving them.</summary>
internal static class OffsetsCommand
{
    public static Command Create(Servers servers, TextWriter output) => new("offsets", "Where workers stand on their partitions.")
    {
        ShowOffsets.Create(servers, output),
        MoveOffsets.Reset(servers, output),
        MoveOffsets.Adopt(servers, output),
    };
}
