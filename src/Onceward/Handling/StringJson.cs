using System.Text.Json.Serialization;

namespace Onceward.Handling;

[JsonSerializable(typeof(string))]
internal sealed partial class StringJson : JsonSerializerContext;
