using System.Diagnostics;

namespace Onceward.Conformance;

/// <summary>Waits for a condition with a deadline: never a fixed sleep.</summary>
internal static class Eventually
{
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

    /// <summary>Asks again while the coordinator says that it is not ready; another answer is the answer.</summary>
    public static async Task<T> AnswerAsync<T>(Func<Task<T>> ask, Func<T, bool> again)
    {
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(25))
        {
            var answer = await ask();
            if (!again(answer) || watch.Elapsed.TotalSeconds > 60)
                return answer;
        }
    }
}
