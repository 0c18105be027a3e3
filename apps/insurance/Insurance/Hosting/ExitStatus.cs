namespace Insurance.Hosting;

/// <summary>Lets a part of the process that cannot go on end it, with an exit code that makes its supervisor start it again.</summary>
internal sealed class ExitStatus(IHostApplicationLifetime lifetime)
{
    public int Code { get; private set; }

    public void GiveUp()
    {
        Code = 1;
        lifetime.StopApplication();
    }
}
