namespace Onceward.Cli.SetAside;

/// <summary>A value that a person has edited.</summary>
internal static class ValueFile
{
    public static async Task<byte[]> ReadAsync(FileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(file.FullName, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"The value cannot be read: {e.Message} Nothing was changed.", e);
        }
    }
}
