using System.Buffers.Text;
using System.Security.Cryptography;

namespace Onceward.Broker.Storage;

/// <summary>The cluster's id: 16 random bytes in base64url, as Kafka writes its own.</summary>
internal static class ClusterIdentity
{
    public static string Of(IEnumerable<MetadataRecord> records) => records.OfType<ClusterNamed>().LastOrDefault()?.Id ?? New();

    private static string New()
    {
        Span<byte> bytes = stackalloc byte[16];
        do
            RandomNumberGenerator.Fill(bytes);
        while (bytes[0] >> 2 == 62); // A leading '-' would read as an option of Kafka's tools.
        return Base64Url.EncodeToString(bytes);
    }
}
