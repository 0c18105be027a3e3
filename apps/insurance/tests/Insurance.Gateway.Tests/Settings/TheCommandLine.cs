using Insurance.Hosting;

namespace Insurance.Gateway.Tests.Settings;

public sealed class TheCommandLine
{
    [Theory]
    [InlineData("gateway", "--roles", "gateway")]
    [InlineData("gateway,billing", "--roles=gateway, billing,gateway,")]
    public void Names_roles(string roles, params string[] args) =>
        string.Join(',', CommandLine.Parse(args, out _).ShouldBeOfType<RunRoles>().Roles).ShouldBe(roles);

    [Fact]
    public void Asks_for_setup() => CommandLine.Parse(["setup"], out _).ShouldBeOfType<RunSetup>();

    [Theory]
    [InlineData]
    [InlineData("--roles")]
    [InlineData("--roles", "")]
    [InlineData("--roles", "cashier")]
    [InlineData("setup", "twice")]
    [InlineData("gateway")]
    public void Is_refused_with_a_reason(params string[] args)
    {
        CommandLine.Parse(args, out var error).ShouldBeNull();
        error.ShouldNotBeEmpty();
    }
}
