using Onceward.Hosting;

namespace Onceward.Protobuf;

/// <summary>Registers Protocol Buffers.</summary>
public static class ProtobufBuilderExtensions
{
    /// <summary>Decodes and encodes messages as Protocol Buffers.</summary>
    public static OncewardBuilder UseProtobuf(this OncewardBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseSerdes(new ProtobufSerdes());
    }
}
