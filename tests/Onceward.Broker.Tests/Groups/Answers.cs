namespace Onceward.Broker.Tests.Groups;

/// <summary>Answers that must be there by now: under a clock that stands still nothing else can bring them.</summary>
internal static class Answers
{
    public static T Now<T>(this Task<T> answer)
    {
        answer.IsCompletedSuccessfully.ShouldBeTrue("the answer is not there, and nothing is left that could bring it");
        return answer.GetAwaiter().GetResult();
    }
}
