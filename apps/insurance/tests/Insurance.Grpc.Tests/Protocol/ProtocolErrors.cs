using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Insurance.Contracts;
using Microsoft.Extensions.Logging;

namespace Insurance.Grpc.Tests.Protocol;

public sealed class ProtocolErrors : IAsyncLifetime
{
    private static readonly byte[] Good = RawClient.Frame(new PublishRequest { Event = new PolicyEvent { EventId = "e-1" } }.ToByteArray());

    private TestServer _server = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _client = new RawClient(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_good_call_answers_a_frame_and_a_status_in_the_trailers()
    {
        var answer = await _client.SendAsync(Good);
        answer.HttpStatus.ShouldBe(HttpStatusCode.OK);
        answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/grpc");
        answer.Body.ShouldBe(RawClient.Frame(new PublishResponse { EventId = "e-1" }.ToByteArray()));
        Answer.Value(answer.Trailers, "grpc-status").ShouldBe("0");
        answer.Headers.Contains("grpc-status").ShouldBeFalse();
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web")]
    public async Task Another_content_type_is_no_gRPC(string contentType) =>
        (await _client.SendAsync(Good, contentType: contentType)).HttpStatus.ShouldBe(HttpStatusCode.UnsupportedMediaType);

    [Fact]
    public async Task Another_verb_is_not_allowed() =>
        (await _client.SendAsync(Good, method: "PUT")).HttpStatus.ShouldBe(HttpStatusCode.MethodNotAllowed);

    [Theory]
    [InlineData("/insurance.v1.PolicyGateway/Nothing")]
    [InlineData("/insurance.v1.Nothing/Publish")]
    [InlineData("/")]
    public async Task An_unknown_method_is_unimplemented(string path) =>
        Ends(await _client.SendAsync(Good, path), StatusCode.Unimplemented);

    [Fact]
    public async Task A_unary_method_takes_exactly_one_message()
    {
        Ends(await _client.SendAsync([]), StatusCode.Unimplemented);
        Ends(await _client.SendAsync([.. Good, .. Good]), StatusCode.Unimplemented);
    }

    [Fact]
    public async Task Bytes_that_are_no_message_are_an_internal_error() =>
        Ends(await _client.SendAsync(RawClient.Frame([0xff, 0xff])), StatusCode.Internal);

    [Fact]
    public async Task A_message_that_stops_in_the_middle_is_an_internal_error() =>
        Ends(await _client.SendAsync(Good[..^1]), StatusCode.Internal);

    [Fact]
    public async Task A_message_past_the_limit_is_refused_by_its_prefix_alone() =>
        Ends(await _client.SendAsync([0, 0, 64, 0, 1]), StatusCode.ResourceExhausted);

    [Fact]
    public async Task An_unknown_encoding_is_unimplemented_and_the_known_ones_are_named()
    {
        var answer = await _client.SendAsync(Good, headers: ("grpc-encoding", "br"));
        Ends(answer, StatusCode.Unimplemented);
        Answer.Value(answer.Headers, "grpc-accept-encoding").ShouldBe("identity,gzip");
    }

    [Fact]
    public async Task A_compressed_message_without_an_encoding_is_an_internal_error() =>
        Ends(await _client.SendAsync(RawClient.Frame([], flag: 1)), StatusCode.Internal);

    [Theory]
    [InlineData("10")]
    [InlineData("123456789S")]
    [InlineData("1x")]
    public async Task A_malformed_timeout_is_an_internal_error(string timeout) =>
        Ends(await _client.SendAsync(Good, headers: ("grpc-timeout", timeout)), StatusCode.Internal);

    [Fact]
    public async Task A_timeout_longer_than_any_timer_is_as_good_as_none() =>
        (await _client.SendAsync(Good, headers: ("grpc-timeout", "99999999H"))).Status.ShouldBe("0");

    [Fact]
    public async Task A_timeout_of_nothing_has_passed() =>
        Ends(await _client.SendAsync(Good, headers: ("grpc-timeout", "0n")), StatusCode.DeadlineExceeded);

    [Fact]
    public async Task Binary_metadata_that_is_no_base64_is_an_internal_error() =>
        Ends(await _client.SendAsync(Good, headers: ("x-bin", "!")), StatusCode.Internal);

    [Fact]
    public async Task What_a_handler_throws_is_logged_and_not_told()
    {
        _server.OnPublish = (_, _) => throw new InvalidOperationException("password=hunter2");
        var answer = await _client.SendAsync(Good);
        Ends(answer, StatusCode.Unknown);
        answer.Message.ShouldBe("The handler failed.");
        var error = _server.Log.Entries.Single(entry => entry.Level == LogLevel.Error);
        error.Text.ShouldContain("hunter2");
    }

    [Fact]
    public async Task A_failure_after_the_first_message_ends_in_trailers()
    {
        _server.OnStream = async (_, responses, _) =>
        {
            await responses.WriteAsync(new PublishAck { EventId = "first" });
            throw new RpcException(new Status(StatusCode.Aborted, "Конец"), new Metadata { { "x-why-bin", [1, 2] } });
        };
        var answer = await _client.SendAsync(Good, "/insurance.v1.PolicyGateway/PublishStream");
        answer.Body.ShouldNotBeEmpty();
        Answer.Value(answer.Trailers, "grpc-status").ShouldBe("10");
        Answer.Value(answer.Trailers, "grpc-message").ShouldBe("%D0%9A%D0%BE%D0%BD%D0%B5%D1%86");
        Answer.Value(answer.Trailers, "x-why-bin").ShouldBe("AQI");
    }

    [Fact]
    public async Task HTTP_1_is_turned_away()
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(_server.Address, TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    private static void Ends(Answer answer, StatusCode expected)
    {
        answer.HttpStatus.ShouldBe(HttpStatusCode.OK);
        answer.Status.ShouldBe(((int)expected).ToString(System.Globalization.CultureInfo.InvariantCulture));
        answer.TrailersOnly.ShouldBeTrue();
    }
}
