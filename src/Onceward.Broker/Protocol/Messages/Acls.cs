namespace Onceward.Broker.Protocol.Messages;

/// <summary>There are no access rules here, so what is asked about them is passed over.</summary>
internal sealed record DescribeAclsRequest : IRequest<DescribeAclsRequest>
{
    public static DescribeAclsRequest Read(ref WireReader reader) => new();
}

/// <summary>Only the number of rules matters: each is answered.</summary>
internal sealed record CreateAclsRequest(int Count) : IRequest<CreateAclsRequest>
{
    public static CreateAclsRequest Read(ref WireReader reader) => new(reader.Array(ReadRule).Count);

    private static bool ReadRule(ref WireReader reader)
    {
        reader.Int8(); // resource type
        reader.String(); // resource
        reader.Int8(); // pattern type
        reader.String(); // principal
        reader.String(); // host
        reader.Int8(); // operation
        reader.Int8(); // permission
        reader.Tags();
        return true;
    }
}

/// <summary>Only the number of filters matters: each is answered.</summary>
internal sealed record DeleteAclsRequest(int Count) : IRequest<DeleteAclsRequest>
{
    public static DeleteAclsRequest Read(ref WireReader reader) => new(reader.Array(ReadFilter).Count);

    private static bool ReadFilter(ref WireReader reader)
    {
        reader.Int8(); // resource type
        reader.NullableString(); // resource
        reader.Int8(); // pattern type
        reader.NullableString(); // principal
        reader.NullableString(); // host
        reader.Int8(); // operation
        reader.Int8(); // permission
        reader.Tags();
        return true;
    }
}

internal sealed record DescribeAclsResponse(ErrorCode Error, string Message) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.String(Message);
        writer.Array<bool>([], static (_, _) => { }); // rules
        writer.Tags();
    }
}

/// <param name="Count">How many rules or filters are answered.</param>
/// <param name="Error">The same for each.</param>
/// <param name="Message">The same for each.</param>
/// <param name="WithMatches">An answer to a filter lists the rules it met: none.</param>
internal sealed record AlterAclsResponse(int Count, ErrorCode Error, string Message, bool WithMatches) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array([.. Enumerable.Repeat(this, Count)], static (writer, answer) =>
        {
            writer.Error(answer.Error);
            writer.String(answer.Message);
            if (answer.WithMatches)
                writer.Array<bool>([], static (_, _) => { });
            writer.Tags();
        });
        writer.Tags();
    }
}
