using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Tests.Topics;

/// <summary>Changes of settings: all of a request or nothing of it.</summary>
public sealed class ConfigEditTests
{
    private static readonly Dictionary<string, string> Current = new() { ["retention.ms"] = "5", ["cleanup.policy"] = "delete" };

    [Fact]
    public void Sets_and_keeps_the_rest() =>
        Next(new ConfigChange("segment.ms", ConfigOperation.Set, "9"))
            .ShouldBe(new Dictionary<string, string> { ["retention.ms"] = "5", ["cleanup.policy"] = "delete", ["segment.ms"] = "9" }, ignoreOrder: true);

    [Fact]
    public void Replacing_all_drops_what_is_not_named() =>
        Next(replaceAll: true, new ConfigChange("segment.ms", ConfigOperation.Set, "9")).ShouldBe(new Dictionary<string, string> { ["segment.ms"] = "9" });

    [Fact]
    public void Deleting_drops_an_override_whatever_its_value() =>
        Next(new ConfigChange("retention.ms", ConfigOperation.Delete, "no number")).ShouldBe(new Dictionary<string, string> { ["cleanup.policy"] = "delete" });

    [Fact]
    public void Appending_adds_a_word_once_and_subtracting_takes_it()
    {
        Next(new ConfigChange("cleanup.policy", ConfigOperation.Append, "compact"))["cleanup.policy"].ShouldBe("delete,compact");
        Next(new ConfigChange("cleanup.policy", ConfigOperation.Append, "delete"))["cleanup.policy"].ShouldBe("delete");
        Next(new ConfigChange("cleanup.policy", ConfigOperation.Subtract, "delete"))["cleanup.policy"].ShouldBe("");
    }

    [Theory]
    [InlineData("no.such.setting", ConfigOperation.Set, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Set, "soon", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Set, "-2", ErrorCode.InvalidConfig)]
    [InlineData("segment.bytes", ConfigOperation.Set, "99999999999", ErrorCode.InvalidConfig)]
    [InlineData("cleanup.policy", ConfigOperation.Set, "burn", ErrorCode.InvalidConfig)]
    [InlineData("message.timestamp.type", ConfigOperation.Set, "Tomorrow", ErrorCode.InvalidConfig)]
    [InlineData("preallocate", ConfigOperation.Set, "maybe", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Append, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Set, null, ErrorCode.InvalidRequest)]
    [InlineData("retention.ms", (ConfigOperation)9, "1", ErrorCode.InvalidRequest)]
    internal void Refuses_what_no_setting_can_be(string name, ConfigOperation operation, string? value, ErrorCode error)
    {
        var refused = ConfigEdit.Apply(TopicConfigs.Table, Current, [new(name, operation, value)], replaceAll: false, out _);
        refused.ShouldNotBeNull().Error.ShouldBe(error);
        refused.Value.Message.ShouldNotBeNull().ShouldContain(name);
    }

    [Fact]
    public void Refuses_a_setting_named_twice() =>
        ConfigEdit.Apply(TopicConfigs.Table, Current, [new("flush.ms", ConfigOperation.Set, "1"), new("flush.ms", ConfigOperation.Set, "2")], replaceAll: false, out _)
            .ShouldNotBeNull().Error.ShouldBe(ErrorCode.InvalidRequest);

    [Fact]
    public void Refuses_what_a_running_broker_cannot_change()
    {
        var table = BrokerConfigs.Table(new BrokerOptions(), "PLAINTEXT://127.0.0.1:9092");
        ConfigEdit.Apply(table, Current, [new("node.id", ConfigOperation.Set, "2")], replaceAll: false, out _).ShouldNotBeNull().Error.ShouldBe(ErrorCode.InvalidRequest);
    }

    [Fact]
    public void Every_default_is_itself_allowed()
    {
        foreach (var key in TopicConfigs.Table.Keys)
            key.Refuse(key.Default).ShouldBeNull(key.Name);
        TopicSettings.Default.RetentionMs.ShouldBe(7L * 24 * 3600 * 1000);
    }

    private static Dictionary<string, string> Next(params ConfigChange[] changes) => Next(replaceAll: false, changes);

    private static Dictionary<string, string> Next(bool replaceAll, params ConfigChange[] changes)
    {
        ConfigEdit.Apply(TopicConfigs.Table, Current, [.. changes], replaceAll, out var next).ShouldBeNull();
        return next.ToDictionary();
    }
}
