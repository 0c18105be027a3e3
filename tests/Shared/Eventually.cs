using System.Diagnostics;

namespace Onceward.TestSupport;

/// <summary>Waits for a condition with a deadline: never a fixed sleep.</summary>
public static class Eventually
{
    /// <param name="what">What is awaited, for the message.</param>
    /// <param name="condition">Asked again until it is true.</param>
    /// <param name="seconds">The deadline.</param>
    public static async Task HoldsAsync(string what, Func<Task<bool>> condition, double seconds = 60)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed.TotalSeconds > seconds)
                throw new TimeoutException($"Not within {seconds} s: {what}");
            await Task.Delay(25);
        }
    }

    public static Task HoldsAsync(string what, Func<bool> condition, double seconds = 60) => HoldsAsync(what, () => Task.FromResult(condition()), seconds);
}
