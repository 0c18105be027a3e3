using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Onceward.Handling;
using Onceward.Protobuf;

namespace Onceward.Unit.Handling;

public sealed class SerdesTests
{
    private readonly JsonSerdes _json = new();
    private readonly ProtobufSerdes _protobuf = new();

    [Fact]
    public void Json_is_web_style_both_ways()
    {
        var bytes = _json.SerializerOf<Order>().Serialize(new Order("a", 3), default);
        Encoding.UTF8.GetString(bytes).ShouldBe("""{"orderId":"a","amount":3}""");
        _json.DeserializerOf<Order>().Deserialize("""{"ORDERID":"a","amount":"3"}"""u8, false, default).ShouldBe(new Order("a", 3));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("")]
    public void Json_that_is_no_message_is_refused(string json) =>
        Should.Throw<JsonException>(() => _json.DeserializerOf<Order>().Deserialize(Encoding.UTF8.GetBytes(json), false, default));

    [Fact]
    public void A_tombstone_is_no_message()
    {
        Should.Throw<JsonException>(() => _json.DeserializerOf<Order>().Deserialize([], true, default));
        Should.Throw<InvalidDataException>(() => _protobuf.DeserializerOf<Duration>().Deserialize([], true, default));
    }

    [Fact]
    public void Protobuf_comes_back_and_keeps_fields_it_does_not_know()
    {
        var whole = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 12, Nanos = 5 }.ToByteArray();
        var partial = _protobuf.DeserializerOf<Int64Value>().Deserialize(whole, false, default);
        partial.Value.ShouldBe(12);
        _protobuf.SerializerOf<Int64Value>().Serialize(partial, default).ShouldBe(whole);
    }

    [Fact]
    public void Protobuf_refuses_bytes_that_are_no_message() => Should.Throw<InvalidProtocolBufferException>(
        () => _protobuf.DeserializerOf<Duration>().Deserialize([0x0A, 0xFF], false, default));

    [Fact]
    public void Protobuf_refuses_a_type_that_was_not_generated() =>
        Should.Throw<OncewardException>(() => _protobuf.DeserializerOf<List<int>>()).ErrorCode.ShouldBe(ErrorCodes.Configuration);

    private sealed record Order(string OrderId, int Amount);
}
