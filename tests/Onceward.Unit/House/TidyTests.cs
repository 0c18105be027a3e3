using System.Reflection;
using System.Text.RegularExpressions;

namespace Onceward.Unit.House;

/// <summary>The rules of the house that a machine can hold.</summary>
public sealed partial class TidyTests
{
    private const int MostLinesOfAFile = 400;
    private const int MostLinesOfAMethod = 70;
    private const int MostRootEntries = 20;

    private static IEnumerable<string> Sources => Repository.Files.Where(f => f.StartsWith("src/", StringComparison.Ordinal) && f.EndsWith(".cs", StringComparison.Ordinal));

    [Fact]
    public void Files_are_short() => Sources.Where(f => Repository.LinesOf(f).Length > MostLinesOfAFile).ShouldBeEmpty();

    [Fact]
    public void Methods_are_short() => Sources.SelectMany(f => LongBlocks(f, Repository.LinesOf(f))).ShouldBeEmpty();

    [Fact]
    public void The_scan_finds_a_long_method_and_no_long_type()
    {
        string[] lines = ["class A", "{", "    void M()", "    {", .. Enumerable.Repeat("        ;", MostLinesOfAMethod), "    }", "}"];
        LongBlocks("A.cs", lines).ShouldBe([$"A.cs:3 {MostLinesOfAMethod + 3} lines"]);
    }

    [Fact]
    public void Event_ids_are_given_once()
    {
        var ids = typeof(EventIds).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (int)f.GetRawConstantValue()!).ToArray();
        ids.ShouldBeUnique();
        ids.ShouldNotBeEmpty();
    }

    [Fact]
    public void Links_in_documents_lead_somewhere() =>
        Repository.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal)).SelectMany(f => DeadLinks(f, File.ReadAllText(Path.Combine(Repository.Root, f)))).ShouldBeEmpty();

    [Fact]
    public void The_link_check_finds_a_dead_link_and_leaves_others_alone() =>
        DeadLinks("docs/x.md", "[a](../README-is-not-here.md#part) [b](https://example.org) [c](#here) [d](../src) `[e](code)`")
            .ShouldBe(["docs/x.md: ../README-is-not-here.md"]);

    /// <summary>A document that says which test would fail is as good as the test is there.</summary>
    [Fact]
    public void Tests_that_documents_name_are_there()
    {
        var tests = Repository.Files.Where(f => f.EndsWith("Tests.cs", StringComparison.Ordinal)).ToLookup(f => Path.GetFileNameWithoutExtension(f), f => File.ReadAllText(Path.Combine(Repository.Root, f)));
        var named = Repository.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal))
            .SelectMany(f => NamedTest().Matches(File.ReadAllText(Path.Combine(Repository.Root, f)))).Select(m => (Class: m.Groups["class"].Value, Method: m.Groups["method"].Value)).ToArray();
        named.Length.ShouldBeGreaterThan(30, "the concepts name more than that");
        named.Where(n => !tests[n.Class].Any(text => text.Contains($" {n.Method}(", StringComparison.Ordinal))).ShouldBeEmpty();
    }

    /// <summary>Whoever is woken by an incident finds it in the index.</summary>
    [Fact]
    public void Every_kind_of_incident_is_in_the_index_of_the_operating_pages()
    {
        var index = File.ReadAllText(Path.Combine(Repository.Root, "docs/operating/README.md"));
        var kinds = typeof(Ledger.IncidentStore).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.Name != nameof(Ledger.IncidentStore.Automatic))
            .Select(f => (string)f.GetRawConstantValue()!).ToArray();
        kinds.Length.ShouldBeGreaterThan(15);
        kinds.Where(k => !index.Contains($"`{k}`", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void The_handler_of_the_README_is_the_one_that_is_compiled()
    {
        var readme = CodeBlock().Match(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Groups["code"].Value;
        var sample = File.ReadAllText(Path.Combine(Repository.Root, "samples/Accounts/Program.cs"));
        readme.Split('\n').ShouldNotBeEmpty();
        readme.Split('\n').Where(line => !sample.Contains(line, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Text_has_no_tabs_no_carriage_returns_and_ends_with_a_line_feed() => Repository.Files
        .Where(f => TextFiles().IsMatch(f))
        .Where(f => File.ReadAllText(Path.Combine(Repository.Root, f)) is { Length: > 0 } text && (text.AsSpan().ContainsAny('\t', '\r') || text[^1] != '\n'))
        .ShouldBeEmpty();

    [Fact]
    public void The_root_is_small() => Repository.Files.Select(f => f.Split('/')[0]).Where(entry => entry[0] != '.').Distinct().Count().ShouldBeLessThanOrEqualTo(MostRootEntries);

    /// <summary>Blocks whose braces stand alone on their lines, but for those of types and namespaces.</summary>
    private static IEnumerable<string> LongBlocks(string file, string[] lines)
    {
        for (var open = 1; open < lines.Length; open++)
        {
            if (lines[open].Trim() != "{" || TypeHead().IsMatch(HeadOf(lines, open)))
                continue;
            var head = open - 1;
            var close = Array.IndexOf(lines, lines[open].Replace('{', '}'), open);
            if (close - head + 1 > MostLinesOfAMethod)
                yield return $"{file}:{head + 1} {close - head + 1} lines";
        }
    }

    /// <summary>The declaration above a brace, which may take several lines: back to the line with the brace's own indent.</summary>
    private static string HeadOf(string[] lines, int open)
    {
        var indent = lines[open].IndexOf('{');
        var first = open - 1;
        while (first > 0 && lines[first].Length - lines[first].TrimStart().Length > indent)
            first--;
        return lines[first];
    }

    private static IEnumerable<string> DeadLinks(string file, string text) =>
        from Match link in RelativeLink().Matches(InlineCode().Replace(text, ""))
        let target = link.Groups["target"].Value
        let path = Path.Combine(Repository.Root, Path.GetDirectoryName(file)!, target)
        where !File.Exists(path) && !Directory.Exists(path)
        select $"{file}: {target}";

    [GeneratedRegex("```csharp\n(?<code>.+?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\]\((?![a-z]+:|#)(?<target>[^)#\s]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"`(?<class>\w+Tests)\.(?<method>\w+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamedTest();

    [GeneratedRegex("`[^`]*`", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\b(class|struct|record|interface|enum|namespace)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TypeHead();

    [GeneratedRegex(@"\.(cs|sql|md|sh|json|ya?ml|xml|csproj|props|targets|slnx|config|proto|editorconfig)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TextFiles();
}
