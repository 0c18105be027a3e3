using System.Net;
using System.Net.Http.Headers;

namespace Insurance.Grpc.Tests.Protocol;

/// <summary>Sends what no gRPC client would, and shows what came back.</summary>
public sealed class RawClient(Uri address) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address };

    public static byte[] Frame(byte[] message, byte flag = 0) =>
        [flag, 0, 0, (byte)(message.Length >> 8), (byte)message.Length, .. message];

    public async Task<Answer> SendAsync(
        byte[] body,
        string path = "/insurance.v1.PolicyGateway/Publish",
        string contentType = "application/grpc",
        string method = "POST",
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return new Answer(response.StatusCode, response.Headers, response.Content.Headers, response.TrailingHeaders, bytes);
    }

    public void Dispose() => _http.Dispose();
}

public sealed record Answer(
    HttpStatusCode HttpStatus, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders, HttpResponseHeaders Trailers, byte[] Body)
{
    /// <summary>The call ended in its headers alone.</summary>
    public bool TrailersOnly => Headers.Contains("grpc-status") && !Trailers.Any() && Body.Length == 0;

    public string? Status => Value(Trailers, "grpc-status") ?? Value(Headers, "grpc-status");

    public string? Message => Value(Trailers, "grpc-message") ?? Value(Headers, "grpc-message");

    public static string? Value(HttpHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
}
