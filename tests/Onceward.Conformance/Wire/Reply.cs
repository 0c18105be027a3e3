namespace Onceward.Conformance.Wire;

/// <summary>A response, or a part of one.</summary>
internal sealed class Reply(Dictionary<string, object?> values)
{
    public bool Has(string name) => values.ContainsKey(name);

    public long Number(string name) => (long)values[name]!;

    public bool Flag(string name) => Number(name) != 0;

    public string? Text(string name) => (string?)values[name];

    public byte[]? Bytes(string name) => (byte[]?)values[name];

    public Guid Id(string name) => (Guid)values[name]!;

    public Code Error => (Code)Number("errorCode");

    /// <summary>The members of an array; an empty list where it is null.</summary>
    public List<Reply> List(string name) => ((List<object?>?)values[name])?.Cast<Reply>().ToList() ?? [];

    public List<long> Numbers(string name) => ((List<object?>?)values[name])?.Cast<long>().ToList() ?? [];

    public bool IsNull(string name) => values[name] is null;

    /// <summary>The only member of an array.</summary>
    public Reply Only(string name) => List(name).ShouldHaveSingleItem();

    /// <summary>The only partition of the only topic, as most of these tests have one.</summary>
    public Reply Partition => Only(Has("topics") ? "topics" : Has("responses") ? "responses" : "results").Only("partitions");
}
