namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 names the client's software and is flexible.</summary>
internal sealed record ApiVersionsRequest(string SoftwareName, string SoftwareVersion) : IRequest<ApiVersionsRequest>
{
    public static ApiVersionsRequest Read(ref WireReader reader)
    {
        if (reader.Version < 3)
            return new("", "");
        var request = new ApiVersionsRequest(reader.String(), reader.String());
        reader.Tags();
        return request;
    }
}

/// <summary>Version 1 adds the throttle time, 3 the features, in tagged fields.</summary>
internal sealed record ApiVersionsResponse(ErrorCode Error) : IResponse
{
    private const uint SupportedFeaturesTag = 0;
    private const uint FinalizedEpochTag = 1;
    private const uint FinalizedFeaturesTag = 2;
    private const string Feature = "metadata.version";
    private const short FeatureMin = 7; // 3.3-IV3
    private const short FeatureLevel = 21; // 3.9-IV0: tools take IncrementalAlterConfigs only where they find a level.

    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        writer.Array(SupportedApis.All, static (writer, api) =>
        {
            writer.Int16((short)api.Key);
            writer.Int16(api.Min);
            writer.Int16(api.Max);
            writer.Tags();
        });
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        if (writer.Version >= 3)
            WriteFeatures(writer);
    }

    private static void WriteFeatures(WireWriter writer)
    {
        writer.UnsignedVarint(3);
        WriteFeature(writer, SupportedFeaturesTag, FeatureMin, FeatureLevel);
        writer.UnsignedVarint(FinalizedEpochTag);
        writer.UnsignedVarint(sizeof(long));
        writer.Int64(0);
        WriteFeature(writer, FinalizedFeaturesTag, FeatureLevel, FeatureLevel);
    }

    /// <summary>One array with one feature: what is supported from its lowest level, what is finalized from its highest.</summary>
    private static void WriteFeature(WireWriter writer, uint tag, short first, short second)
    {
        using var field = new WireWriter(writer.Version, flexible: true);
        field.UnsignedVarint(2); // one item
        field.String(Feature);
        field.Int16(first);
        field.Int16(second);
        field.Tags();
        writer.UnsignedVarint(tag);
        writer.UnsignedVarint((uint)field.Length);
        field.Written.Span.CopyTo(writer.Reserve(field.Length));
    }
}
