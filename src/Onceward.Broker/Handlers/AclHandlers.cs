using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>What is said of access rules: there is nobody here who would hold anyone to them.</summary>
internal static class Acls
{
    public const string NoAuthorizer = "No Authorizer is configured.";
}

/// <summary>DescribeAcls, versions 1 to 3: always SECURITY_DISABLED. Listed at all, because tools take its absence for an old broker.</summary>
internal sealed class DescribeAclsHandler() : ApiHandler<DescribeAclsRequest>(ApiKey.DescribeAcls)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeAclsRequest request, CancellationToken cancellationToken) =>
        new(new DescribeAclsResponse(ErrorCode.SecurityDisabled, Acls.NoAuthorizer));
}

/// <summary>CreateAcls, versions 1 to 3: always SECURITY_DISABLED.</summary>
internal sealed class CreateAclsHandler() : ApiHandler<CreateAclsRequest>(ApiKey.CreateAcls)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, CreateAclsRequest request, CancellationToken cancellationToken) =>
        new(new AlterAclsResponse(request.Count, ErrorCode.SecurityDisabled, Acls.NoAuthorizer, WithMatches: false));
}

/// <summary>DeleteAcls, versions 1 to 3: always SECURITY_DISABLED.</summary>
internal sealed class DeleteAclsHandler() : ApiHandler<DeleteAclsRequest>(ApiKey.DeleteAcls)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteAclsRequest request, CancellationToken cancellationToken) =>
        new(new AlterAclsResponse(request.Count, ErrorCode.SecurityDisabled, Acls.NoAuthorizer, WithMatches: true));
}
