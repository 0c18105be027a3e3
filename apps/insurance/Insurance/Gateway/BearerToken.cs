using System.Security.Cryptography;
using System.Text;
using Grpc.Core;

namespace Insurance.Gateway;

/// <summary>The secret that callers of the gateway share with it.</summary>
/// <remarks>Only its hash is kept. Hashes of equal length are compared in constant time, so neither length nor prefix leaks.</remarks>
internal sealed class BearerToken(string token)
{
    private const string Scheme = "Bearer ";

    private readonly byte[] _hash = Hash(token);

    /// <summary>Throws UNAUTHENTICATED where the call does not carry the token.</summary>
    public void Demand(ServerCallContext context)
    {
        var sent = context.RequestHeaders.GetValue("authorization");
        if (sent is null || !sent.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "Send the metadata entry 'authorization: Bearer <token>'."));
        if (!CryptographicOperations.FixedTimeEquals(Hash(sent[Scheme.Length..].Trim()), _hash))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The token is not the gateway's."));
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
