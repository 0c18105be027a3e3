using System.Globalization;
using System.Text;

namespace Onceward.Bench;

/// <summary>A small line chart as SVG, readable on light and dark pages.</summary>
/// <param name="Title">Above it.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
internal sealed record Plot(string Title, Axis X, Axis Y)
{
    private const double Left = 70, Right = 700, Top = 50, Bottom = 330;
    private static readonly string[] s_colours = ["#2f7ed8", "#d9822b", "#3a9d5d", "#a64ca6"];
    private readonly List<(string Name, IReadOnlyList<(double X, double Y)> Points)> _lines = [];

    public Plot With(string name, IReadOnlyList<(double X, double Y)> points)
    {
        _lines.Add((name, points));
        return this;
    }

    public string ToSvg()
    {
        var svg = new StringBuilder();
        svg.AppendLine("""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 400" font-family="sans-serif" font-size="12" fill="#777">""");
        Text(svg, 360, 24, "middle", Title, " font-size=\"15\"");
        foreach (var (value, label) in X.Ticks)
        {
            Line(svg, AtX(value), Top, AtX(value), Bottom);
            Text(svg, AtX(value), Bottom + 18, "middle", label);
        }
        foreach (var (value, label) in Y.Ticks)
        {
            Line(svg, Left, AtY(value), Right, AtY(value));
            Text(svg, Left - 8, AtY(value) + 4, "end", label);
        }
        Text(svg, 385, Bottom + 38, "middle", X.Name);
        Text(svg, 8, Top - 12, "start", Y.Name);
        foreach (var (i, line) in _lines.Index())
        {
            var points = string.Join(' ', line.Points.Select(p => $"{Number(AtX(p.X))},{Number(AtY(p.Y))}"));
            svg.AppendLine($"""<polyline fill="none" stroke="{s_colours[i % s_colours.Length]}" stroke-width="2" points="{points}"/>""");
            Text(svg, Left + 12, Top + 18 + (16 * i), "start", line.Name, $" fill=\"{s_colours[i % s_colours.Length]}\"");
        }
        return svg.AppendLine("</svg>").ToString();
    }

    private double AtX(double value) => Left + ((Right - Left) * X.Share(value));

    private double AtY(double value) => Bottom - ((Bottom - Top) * Y.Share(value));

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2) =>
        svg.AppendLine($"""<line x1="{Number(x1)}" y1="{Number(y1)}" x2="{Number(x2)}" y2="{Number(y2)}" stroke="#999" stroke-opacity="0.35"/>""");

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text, string more = "") =>
        svg.AppendLine($"""<text x="{Number(x)}" y="{Number(y)}" text-anchor="{anchor}"{more}>{text}</text>""");

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}

/// <summary>One axis of a <see cref="Plot"/>, from its first mark to its last.</summary>
/// <param name="Name">With the unit.</param>
/// <param name="Ticks">Values with what is written at them, ascending.</param>
/// <param name="IsLogarithmic">Whether equal ratios have equal lengths.</param>
internal sealed record Axis(string Name, IReadOnlyList<(double Value, string Label)> Ticks, bool IsLogarithmic = false)
{
    /// <summary>An axis from 0 in round steps to <paramref name="most"/> or a little further.</summary>
    public static Axis Linear(string name, double most)
    {
        var magnitude = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(most, 1))));
        var step = (most / magnitude) switch { <= 1.5 => magnitude / 4, <= 3 => magnitude / 2, <= 6 => magnitude, _ => magnitude * 2 };
        return new Axis(name, [.. Enumerable.Range(0, (int)Math.Ceiling(most / step) + 1).Select(i => (i * step, (i * step).ToString("#,0.##", CultureInfo.InvariantCulture)))]);
    }

    /// <summary>An axis by powers of ten that has room for both.</summary>
    public static Axis Logarithmic(string name, double least, double most)
    {
        int from = (int)Math.Floor(Math.Log10(Math.Max(least, 0.1))), to = Math.Max(from + 1, (int)Math.Ceiling(Math.Log10(most)));
        return new Axis(name, [.. Enumerable.Range(from, to - from + 1).Select(p => (Math.Pow(10, p), Math.Pow(10, p).ToString("#,0.##", CultureInfo.InvariantCulture)))], IsLogarithmic: true);
    }

    public double Share(double value) => Math.Clamp((On(value) - On(Ticks[0].Value)) / (On(Ticks[^1].Value) - On(Ticks[0].Value)), 0, 1);

    private double On(double value) => IsLogarithmic ? Math.Log10(Math.Max(value, Ticks[0].Value)) : value;
}
