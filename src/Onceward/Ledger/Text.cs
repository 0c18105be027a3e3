using System.Text;

namespace Onceward.Ledger;

/// <summary>What PostgreSQL can hold of a text.</summary>
internal static class Text
{
    /// <summary>
    /// A NUL and half a surrogate pair are legal in a .NET string and not in a PostgreSQL text: a record must not be lost for the words of its error.
    /// </summary>
    public static string Storable(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace("\0", "\\0", StringComparison.Ordinal);
}
