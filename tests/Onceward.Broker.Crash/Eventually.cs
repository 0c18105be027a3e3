using System.Diagnostics;

namespace Onceward.Broker.Crash;

/// <summary>Waits for a condition with a deadline: never a fixed sleep.</summary>
internal static class Eventually
{
    public static async Task HoldsAsync(string what, Func<bool> condition, double seconds = 60)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed.TotalSeconds > seconds)
                throw new TimeoutException($"Not within {seconds} s: {what}");
            await Task.Delay(25);
        }
    }
}
