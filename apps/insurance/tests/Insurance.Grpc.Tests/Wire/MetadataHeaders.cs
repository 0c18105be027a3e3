using Grpc.Core;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Tests.Wire;

public sealed class MetadataHeaders
{
    [Theory]
    [InlineData("", new byte[0])]
    [InlineData("AA", new byte[] { 0 })]
    [InlineData("AA==", new byte[] { 0 })]
    [InlineData("AAE", new byte[] { 0, 1 })]
    [InlineData("AAE=", new byte[] { 0, 1 })]
    [InlineData("/+8A", new byte[] { 0xff, 0xef, 0 })]
    public void Binary_values_are_read_with_and_without_padding(string text, byte[] expected)
    {
        MetadataCodec.TryDecode(text, out var bytes).ShouldBeTrue();
        bytes.ShouldBe(expected);
    }

    [Theory]
    [InlineData("A")]
    [InlineData("A!")]
    [InlineData("_-8A")]
    public void What_is_no_base64_is_refused(string text)
    {
        MetadataCodec.TryDecode(text, out _).ShouldBeFalse();
        MetadataCodec.TryAdd([], "x-bin", text).ShouldBeFalse();
    }

    [Fact]
    public void Binary_values_are_written_without_padding() =>
        MetadataCodec.Encode(new Metadata.Entry("x-bin", [1])).ShouldBe("AQ");

    [Fact]
    public void Joined_binary_values_part_at_the_comma()
    {
        var metadata = new Metadata();
        MetadataCodec.TryAdd(metadata, "X-Bin", "AQ==, Ag").ShouldBeTrue();
        metadata.GetAll("x-bin").Select(entry => entry.ValueBytes.Single()).ShouldBe([1, 2]);
    }

    [Fact]
    public void The_protocols_own_headers_are_no_metadata()
    {
        var metadata = new Metadata();
        string[] names = [":path", "content-type", "te", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "user-agent"];
        foreach (var name in names)
            MetadataCodec.TryAdd(metadata, name, "x").ShouldBeTrue();
        metadata.Select(entry => entry.Key).ShouldBe(["user-agent"]);
    }

    [Fact]
    public void Keys_are_compared_without_case_and_the_last_value_wins()
    {
        var metadata = new Metadata { { "X-Id", "1" }, { "x-id", "2" } };
        metadata.GetValue("X-ID").ShouldBe("2");
        metadata.Count.ShouldBe(2);
    }

    [Fact]
    public void An_entry_shows_its_key_but_never_its_value() =>
        new Metadata.Entry("authorization", "Bearer secret").ToString().ShouldNotContain("secret");

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("ключ")]
    public void A_key_that_HTTP_2_cannot_carry_is_refused(string key) =>
        Should.Throw<ArgumentException>(() => new Metadata.Entry(key, "x"));

    [Fact]
    public void A_value_must_fit_its_key()
    {
        Should.Throw<ArgumentException>(() => new Metadata.Entry("x", [1]));
        Should.Throw<ArgumentException>(() => new Metadata.Entry("x-bin", "text"));
        Should.Throw<ArgumentException>(() => new Metadata.Entry("x", "line\nbreak"));
    }
}
