using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Protocol;

/// <summary>The primitives on the wire, in both encodings, and what a peer may claim about lengths.</summary>
public sealed class WireTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read(bool flexible)
    {
        var id = Guid.NewGuid();
        using var writer = new WireWriter(3, flexible, sizeHint: 1);
        writer.Int8(-1);
        writer.Bool(true);
        writer.Int16(-2);
        writer.Int32(int.MinValue);
        writer.Int64(long.MaxValue);
        writer.Uuid(id);
        writer.UnsignedVarint(uint.MaxValue);
        writer.String("größer");
        writer.String(null);
        writer.String("");
        writer.Bytes([1, 2, 3]);
        writer.NullBytes();
        writer.StringArray(["a", "b"]);
        writer.StringArray(null);
        writer.Tags();

        var reader = new WireReader(writer.Written.ToArray(), 3, flexible);
        reader.Int8().ShouldBe((sbyte)-1);
        reader.Bool().ShouldBeTrue();
        reader.Int16().ShouldBe((short)-2);
        reader.Int32().ShouldBe(int.MinValue);
        reader.Int64().ShouldBe(long.MaxValue);
        reader.Uuid().ShouldBe(id);
        reader.UnsignedVarint().ShouldBe(uint.MaxValue);
        reader.String().ShouldBe("größer");
        reader.NullableString().ShouldBeNull();
        reader.String().ShouldBe("");
        reader.Bytes().ToArray().ShouldBe([1, 2, 3]);
        reader.NullableBytes().ShouldBeNull();
        reader.StringArray().ShouldBe(["a", "b"]);
        reader.NullableArray(static (ref WireReader inner) => inner.String()).ShouldBeNull();
        reader.Tags();
        reader.Remaining.ShouldBe(0);
    }

    [Fact]
    public void The_bytes_are_those_of_the_protocol_guide()
    {
        using var plain = new WireWriter(0, flexible: false);
        plain.Int32(1);
        plain.String("ab");
        plain.StringArray(["c"]);
        plain.Written.ToArray().ShouldBe([0, 0, 0, 1, 0, 2, (byte)'a', (byte)'b', 0, 0, 0, 1, 0, 1, (byte)'c']);

        using var compact = new WireWriter(0, flexible: true);
        compact.String("ab");
        compact.String(null);
        compact.StringArray(["c"]);
        compact.UnsignedVarint(300);
        compact.Tags();
        compact.Written.ToArray().ShouldBe([3, (byte)'a', (byte)'b', 0, 2, 2, (byte)'c', 0xac, 0x02, 0]);
    }

    [Theory]
    [InlineData(false, "7fffffff")] // an array of 2^31-1 items in no bytes
    [InlineData(false, "7fffffff00000000")]
    [InlineData(true, "ffffffff07")]
    [InlineData(true, "ffffffffff")] // a varint without an end
    [InlineData(true, "ffffffff0f01")] // a length beyond an int
    public void A_length_that_the_frame_cannot_hold_is_refused_before_anything_is_allocated(bool flexible, string hex)
    {
        var frame = Convert.FromHexString(hex);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Should.Throw<MalformedRequestException>(() =>
        {
            var reader = new WireReader(frame, 0, flexible);
            reader.Array(static (ref WireReader inner) => inner.Int64());
        });
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(100_000);
    }

    [Fact]
    public void Unknown_tagged_fields_are_passed_over()
    {
        var reader = new WireReader(new byte[] { 2, 0, 3, 9, 9, 9, 5, 1, 7, 42 }, 0, flexible: true);
        reader.Tags();
        reader.Int8().ShouldBe((sbyte)42);
    }

    [Fact]
    public void A_null_where_none_may_be_is_refused() =>
        Should.Throw<MalformedRequestException>(() => new WireReader(new byte[] { 0xff, 0xff }, 0, flexible: false).String());

    [Fact]
    public void Every_request_is_listed_once_with_a_range_that_is_one() =>
        SupportedApis.All.ShouldSatisfyAllConditions(
            all => all.Select(api => api.Key).ShouldBeUnique(),
            all => all.ShouldAllBe(api => api.Min <= api.Max && api.ServedFrom <= api.Max));

    [Fact]
    public void A_string_that_the_older_encoding_could_not_carry_is_refused()
    {
        using var writer = new WireWriter(3, flexible: true, sizeHint: 1);
        writer.UnsignedVarint(short.MaxValue + 2); // One more than the length: compact.
        byte[] frame = [.. writer.Written.Span, .. new byte[short.MaxValue + 1]];
        Should.Throw<MalformedRequestException>(() => new WireReader(frame, 3, flexible: true).String());
        using var shorter = new WireWriter(3, flexible: true, sizeHint: 1);
        shorter.UnsignedVarint(short.MaxValue + 1);
        frame = [.. shorter.Written.Span, .. new byte[short.MaxValue]];
        new WireReader(frame, 3, flexible: true).String().Length.ShouldBe(short.MaxValue);
    }
}
