using Grpc.Core;
using Grpc.Health.V1;
using Insurance.Contracts;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Insurance.Gateway;

/// <summary>grpc.health.v1 for the server as a whole and for its one service, which are well together.</summary>
internal sealed class GatewayHealthService(BrokerState broker, IHostApplicationLifetime lifetime) : Health.HealthBase
{
    private const int MaxShownName = 100;

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => IsKnown(request)
        ? Task.FromResult(Answer(broker.Current.Reachable))
        : throw new RpcException(new Status(StatusCode.NotFound, $"There is no service '{Shown(request.Service)}' here."));

    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            if (!IsKnown(request))
            {
                // No service is ever added, but the contract is to answer and keep the call open.
                await responseStream.WriteAsync(new HealthCheckResponse { Status = Serving.ServiceUnknown });
                await Task.Delay(Timeout.Infinite, ended.Token);
            }

            while (true)
            {
                var (reachable, changed) = broker.Current;
                await responseStream.WriteAsync(Answer(reachable));
                await changed.WaitAsync(ended.Token);
            }
        }
        catch (OperationCanceledException stopped) when (!context.CancellationToken.IsCancellationRequested)
        {
            if (IsKnown(request))
                await responseStream.WriteAsync(Answer(reachable: false));
            throw new RpcException(new Status(StatusCode.Unavailable, "The gateway is stopping."), stopped);
        }
    }

    private static bool IsKnown(HealthCheckRequest request) => request.Service is "" or Topology.Services.PolicyGateway;

    private static HealthCheckResponse Answer(bool reachable) => new() { Status = reachable ? Serving.Serving : Serving.NotServing };

    private static string Shown(string name) => name.Length > MaxShownName ? name[..MaxShownName] : name;
}
