using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Onceward.Ledger;

/// <summary>The detail of an incident: names and words, as a JSON object.</summary>
internal static class IncidentDetail
{
    public static string Of(params ReadOnlySpan<(string Name, string? Value)> parts)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in parts)
                if (value is not null)
                    writer.WriteString(name, value);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
