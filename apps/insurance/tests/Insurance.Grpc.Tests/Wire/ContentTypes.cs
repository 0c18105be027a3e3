using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Tests.Wire;

public sealed class ContentTypes
{
    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("application/grpc; charset=utf-8", true)]
    [InlineData("Application/GRPC+proto;x=y", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/grpc+json", false)]
    [InlineData("application/json", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_protobuf_over_gRPC_is_spoken(string? contentType, bool spoken) =>
        GrpcProtocol.IsGrpcContentType(contentType).ShouldBe(spoken);

    [Theory]
    [InlineData("identity,deflate,gzip", true)]
    [InlineData("identity, gzip", true)]
    [InlineData("gzipped", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void An_encoding_is_found_in_a_list(string? list, bool found) => GrpcProtocol.Lists(list, "gzip").ShouldBe(found);
}
