namespace Onceward.Broker.Tests.Log;

/// <summary>Scenarios that hold wherever records are kept.</summary>
public abstract class LogScenarios : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private protected abstract TestLog Create();

    private protected TestLog OnDisk() => TestLog.OnDisk(directory.Path);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => directory.Dispose();
}
