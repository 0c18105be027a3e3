using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.Conformance;

/// <summary>Where nobody holds anyone to access rules, saying so is the answer to a new rule, and to the removal of one.</summary>
public sealed class AclTests
{
    private static readonly AclBinding Rule = new()
    {
        Pattern = new ResourcePattern { Type = ResourceType.Topic, Name = "a", ResourcePatternType = ResourcePatternType.Literal },
        Entry = new AccessControlEntry { Principal = "User:a", Host = "*", Operation = AclOperation.Read, PermissionType = AclPermissionType.Allow },
    };

    [Fact]
    public async Task Without_an_authorizer_none_is_made_or_deleted()
    {
        using var admin = Client.Admin();
        (await Should.ThrowAsync<CreateAclsException>(() => admin.CreateAclsAsync([Rule]))).Results.ShouldHaveSingleItem().Error.Code.ShouldBe(ErrorCode.SecurityDisabled);
        (await Should.ThrowAsync<DeleteAclsException>(() => admin.DeleteAclsAsync([Rule.ToFilter()]))).Results.ShouldHaveSingleItem().Error.Code.ShouldBe(ErrorCode.SecurityDisabled);
    }
}
