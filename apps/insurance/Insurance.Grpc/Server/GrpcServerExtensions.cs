using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Insurance.Grpc.Server;

/// <summary>Puts gRPC services into a Kestrel host.</summary>
public static class GrpcServerExtensions
{
    /// <summary>Answers every HTTP/2 request as gRPC; HTTP/1 requests go on down the pipeline.</summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="bind">Binds each service, by its <c>BindService</c>.</param>
    /// <param name="options">Bounds; null for the defaults.</param>
    public static IApplicationBuilder UseGrpc(
        this IApplicationBuilder app, Action<ServiceBinderBase> bind, GrpcServerOptions? options = null)
    {
        var methods = new MethodTable();
        bind(methods);
        var endpoint = new GrpcEndpoint(
            methods,
            options ?? new GrpcServerOptions(),
            app.ApplicationServices.GetService<TimeProvider>() ?? TimeProvider.System,
            app.ApplicationServices.GetRequiredService<ILogger<GrpcEndpoint>>());
        return app.MapWhen(http => HttpProtocol.IsHttp2(http.Request.Protocol), grpc => grpc.Run(endpoint.HandleAsync));
    }

    /// <summary>Sets what gRPC needs of Kestrel: long-lived streams, many of them, and a way to notice a dead peer.</summary>
    public static void ConfigureForGrpc(this KestrelServerLimits limits)
    {
        // A stream may rest between messages for as long as its client likes; pings tell a resting peer from a dead one.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        // Ten times the default: one client process sends its unary calls over one connection.
        limits.Http2.MaxStreamsPerConnection = 1000;
        // 8 KiB is what gRPC peers expect to pass at least; a trace baggage and a large token may need more.
        // A field past its own limit would end the whole connection, so only the limit that peers are told of may ever apply.
        limits.Http2.MaxRequestHeaderFieldSize = 64 * 1024;
        limits.MaxRequestHeadersTotalSize = 64 * 1024;
    }

}
