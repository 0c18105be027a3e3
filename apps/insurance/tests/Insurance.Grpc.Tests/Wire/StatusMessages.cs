using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Tests.Wire;

public sealed class StatusMessages
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain ~text", "plain ~text")]
    [InlineData("100 %", "100 %25")]
    [InlineData("a\r\nb\tc", "a%0D%0Ab%09c")]
    [InlineData("Полис", "%D0%9F%D0%BE%D0%BB%D0%B8%D1%81")]
    [InlineData("€🚗", "%E2%82%AC%F0%9F%9A%97")]
    public void Text_survives_as_printable_ASCII(string text, string encoded)
    {
        PercentEncoding.Encode(text).ShouldBe(encoded);
        PercentEncoding.Decode(encoded).ShouldBe(text);
    }

    [Theory]
    [InlineData("%", "%")]
    [InlineData("%2", "%2")]
    [InlineData("%zz", "%zz")]
    [InlineData("%25%", "%%")]
    [InlineData("%e2%82%ac", "€")]
    public void A_bad_escape_stays_as_it_is(string encoded, string text) => PercentEncoding.Decode(encoded).ShouldBe(text);
}
