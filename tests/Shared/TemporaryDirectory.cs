namespace Onceward.TestSupport;

/// <summary>A folder that goes with its test.</summary>
/// <param name="inMemory">Where the system has files in memory: for tests that start a broker a thousand times, and have no interest in the disk.</param>
public sealed class TemporaryDirectory(bool inMemory = false) : IDisposable
{
    private const string MemoryFiles = "/dev/shm";

    public string Path { get; } = inMemory && Directory.Exists(MemoryFiles)
        ? Directory.CreateDirectory(System.IO.Path.Combine(MemoryFiles, $"onceward-test-{Guid.NewGuid():N}")).FullName
        : Directory.CreateTempSubdirectory("onceward-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
