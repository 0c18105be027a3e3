using Grpc.Core;
using Insurance.Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Insurance.Grpc.Server;

/// <summary>Takes HTTP requests and answers them as gRPC calls.</summary>
/// <remarks>Every call ends in exactly one status, or in none where its client is gone.</remarks>
internal sealed partial class GrpcEndpoint(MethodTable methods, GrpcServerOptions options, TimeProvider time, ILogger<GrpcEndpoint> logger)
{
    public async Task HandleAsync(HttpContext http)
    {
        if (!CallHead.IsGrpc(http))
            return;
        http.Response.ContentType = GrpcProtocol.ContentType;
        if (methods.Find(http.Request.Path.Value) is not { } handler)
        {
            StatusHeaders.Append(http.Response.Headers, new Status(StatusCode.Unimplemented, "This server has no such method."));
            return;
        }

        if (!CallHead.TryParse(http.Request.Headers, out var head, out var refusal))
        {
            if (refusal.StatusCode == StatusCode.Unimplemented)
                http.Response.Headers[GrpcProtocol.AcceptEncodingHeader] = GrpcProtocol.SupportedEncodings;
            StatusHeaders.Append(http.Response.Headers, refusal);
            return;
        }

        LiftBodyLimits(http.Features);
        using var call = new ServerCall(http, head, options, time);
        await RunAsync(call, handler);
    }

    private async Task RunAsync(ServerCall call, Func<ServerCall, Task> handler)
    {
        try
        {
            await handler(call);
            call.Finish(call.Status, []);
        }
        catch (RpcException exception) when (!call.DeadlinePassed)
        {
            LogRefused(call.Method, exception.StatusCode);
            call.Finish(exception.Status, exception.Trailers);
        }
        catch (Exception exception) when (call.DeadlinePassed || call.ClientGone)
        {
            // Whatever the handler was doing, it was told to stop: its exception says only where it stood.
            LogStopped(exception, call.Method, call.DeadlinePassed ? "the deadline passed" : "the client is gone");
            call.Finish(new Status(StatusCode.DeadlineExceeded, "The deadline passed."), []);
        }
        catch (Exception exception)
        {
            // The boundary of application code: its text may hold what callers must not see, so it goes to the log alone.
            LogFailed(exception, call.Method);
            call.Finish(new Status(StatusCode.Unknown, "The handler failed."), []);
        }
    }

    // Kestrel bounds a request as a whole and its pace; a stream is bounded by message instead, and may be silent for hours.
    private static void LiftBodyLimits(IFeatureCollection features)
    {
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    [LoggerMessage(EventId = 7000, Level = LogLevel.Debug, Message = "{Method} ended in {StatusCode}")]
    private partial void LogRefused(string method, StatusCode statusCode);

    [LoggerMessage(EventId = 7001, Level = LogLevel.Debug, Message = "{Method} was stopped: {Reason}")]
    private partial void LogStopped(Exception exception, string method, string reason);

    [LoggerMessage(EventId = 7002, Level = LogLevel.Error, Message = "{Method} failed; its caller gets UNKNOWN")]
    private partial void LogFailed(Exception exception, string method);
}
