using Grpc.Core;

namespace Insurance.Grpc.Server;

/// <summary>The methods of all services, by path.</summary>
internal sealed class MethodTable : ServiceBinderBase
{
    private readonly Dictionary<string, Func<ServerCall, Task>> _methods = new(StringComparer.Ordinal);

    public Func<ServerCall, Task>? Find(string? path) => path is null ? null : _methods.GetValueOrDefault(path);

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse> handler) =>
        _methods.Add(method.FullName, async call =>
        {
            var request = await call.ReadSingleAsync(method.RequestMarshaller);
            var response = await handler(request, call);
            if (call.Status.StatusCode == StatusCode.OK)
                await call.WriteAsync(response, flush: false, call.CancellationToken);
        });

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse> handler) =>
        _methods.Add(method.FullName, async call =>
        {
            var request = await call.ReadSingleAsync(method.RequestMarshaller);
            await handler(request, new ResponseStream<TResponse>(call), call);
        });

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse> handler) =>
        _methods.Add(method.FullName, call =>
            handler(new RequestStream<TRequest>(call, method.RequestMarshaller), new ResponseStream<TResponse>(call), call));
}
