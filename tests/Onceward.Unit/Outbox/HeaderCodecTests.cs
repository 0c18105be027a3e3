using System.Text;
using Confluent.Kafka;
using Onceward.Outbox;

namespace Onceward.Unit.Outbox;

public sealed class HeaderCodecTests
{
    [Fact]
    public void Order_repeated_names_empty_and_null_values_come_back()
    {
        var headers = new Headers { { "b", [1, 2] }, { "a", [] }, { "b", null }, { "имя", Encoding.UTF8.GetBytes("значение") } };

        var decoded = HeaderCodec.Decode(HeaderCodec.Encode(headers));

        decoded.Select(h => (h.Key, h.GetValueBytes() is { } v ? Convert.ToHexString(v) : null))
            .ShouldBe(headers.Select(h => (h.Key, h.GetValueBytes() is { } v ? Convert.ToHexString(v) : null)));
    }

    [Fact]
    public void No_headers_take_no_bytes()
    {
        HeaderCodec.Encode([]).ShouldBeEmpty();
        HeaderCodec.Decode([]).Count.ShouldBe(0);
    }

    [Fact]
    public void Truncated_bytes_are_invalid_data_wherever_they_end()
    {
        var whole = HeaderCodec.Encode(new Headers { { "name", [1, 2, 3, 4, 5] } });
        for (var length = 1; length < whole.Length; length++)
            Should.Throw<InvalidDataException>(() => HeaderCodec.Decode(whole.AsSpan(0, length)), $"{length} of {whole.Length} bytes");
    }

    [Theory]
    [InlineData("FFFFFFFF00000000")] // a name that is null
    [InlineData("7FFFFFFF61")] // a length past the end
    public void Bytes_that_no_encoder_wrote_are_invalid_data(string hex) =>
        Should.Throw<InvalidDataException>(() => HeaderCodec.Decode(Convert.FromHexString(hex)));
}
