namespace Onceward.Unit;

public sealed class TopicNameTests
{
    [Theory]
    [InlineData("auto.events", true)]
    [InlineData("A_b-9", true)]
    [InlineData("...", true)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("with space", false)]
    [InlineData("ümlaut", false)]
    [InlineData("a/b", false)]
    public void Kafkas_rules_hold(string? name, bool legal) => TopicName.IsLegal(name).ShouldBe(legal);

    [Fact]
    public void The_longest_name_has_249_characters()
    {
        TopicName.IsLegal(new string('a', 249)).ShouldBeTrue();
        TopicName.IsLegal(new string('a', 250)).ShouldBeFalse();
    }
}
