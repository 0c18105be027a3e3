using System.Globalization;

namespace Onceward.Conformance.Wire;

/// <summary>One field of a message, with the versions that carry it.</summary>
internal sealed record Field(string Name, string Type, bool Nullable, bool IsArray, int First, int Last, string? Default, int? Tag, List<Field> Members)
{
    public bool In(int version) => version >= First && version <= Last;
}

/// <summary>A request and its response, read from what the assembly has of the name <c>messages.txt</c>.</summary>
internal sealed record Schema(short Key, string Name, int First, int Last, int FlexibleFrom, List<Field> Request, List<Field> Response)
{
    private static readonly Dictionary<Api, Schema> All = Read();

    public static IEnumerable<Schema> Every => All.Values;

    public static Schema Of(Api api) => All[api];

    public bool Flexible(int version) => version >= FlexibleFrom;

    private static Dictionary<Api, Schema> Read()
    {
        var schemas = new Dictionary<Api, Schema>();
        var assembly = typeof(Schema).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.EndsWith("messages.txt", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            Read(reader, schemas);
        }
        return schemas;
    }

    private static void Read(StreamReader reader, Dictionary<Api, Schema> schemas)
    {
        var open = new Stack<List<Field>>();
        Schema? current = null;
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line == "=")
            {
                open = new Stack<List<Field>>([current!.Response]);
            }
            else if (line[0] != ' ')
            {
                current = Head(line);
                schemas.Add((Api)current.Key, current);
                open = new Stack<List<Field>>([current.Request]);
            }
            else
            {
                var depth = (line.Length - line.TrimStart().Length) / 2;
                while (open.Count > depth)
                    open.Pop();
                var field = Member(line.Trim());
                open.Peek().Add(field);
                if (field is { IsArray: true, Type: "" })
                    open.Push(field.Members);
            }
        }
    }

    private static Schema Head(string line)
    {
        var words = line.Split(' ');
        var range = words[2].Split('-');
        return new Schema(short.Parse(words[0]), words[1], int.Parse(range[0]), int.Parse(range[1]), int.Parse(words[4]), [], []);
    }

    private static Field Member(string line)
    {
        var words = new Queue<string>(line.Split(' '));
        int? tag = words.Peek()[0] == '@' ? int.Parse(words.Dequeue()[1..]) : null;
        var name = words.Dequeue();
        var type = words.Dequeue();
        var isArray = type.StartsWith("[]", StringComparison.Ordinal);
        var nullable = type.Contains('?');
        int first = 0, last = int.MaxValue;
        if (words.Count > 0 && words.Peek() != "=")
        {
            var range = words.Dequeue().Split('-');
            first = int.Parse(range[0], CultureInfo.InvariantCulture);
            last = range[1].Length == 0 ? int.MaxValue : int.Parse(range[1], CultureInfo.InvariantCulture);
        }
        var start = words.Count > 1 ? words.ElementAt(1) : null;
        return new Field(name, type.Trim('[', ']', '?'), nullable, isArray, first, last, start, tag, []);
    }
}
