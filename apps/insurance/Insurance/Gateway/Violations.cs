using System.Buffers;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Code = Grpc.Core.StatusCode;

namespace Insurance.Gateway;

/// <summary>Everything that is wrong with one event, field by field.</summary>
internal sealed class Violations
{
    // Trailers past 8 KiB are dropped by common clients; forty short violations fit, as base64 and with their neighbours.
    private const int MaxReported = 40;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    private readonly BadRequest _details = new();

    public int Count { get; private set; }

    public void Add(string field, string description)
    {
        if (Count++ < MaxReported)
            _details.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = field, Description = description });
    }

    /// <summary>Holds where the field is there; a violation is noted where it is not.</summary>
    public bool Present(string field, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] object? value)
    {
        if (value is null)
            Add(field, "is missing");
        return value is not null;
    }

    public void Id(string field, string value, int maxLength)
    {
        if (value.Length == 0)
            Add(field, "is missing");
        else if (value.Length > maxLength)
            Add(field, $"has {value.Length} characters; at most {maxLength}");
        else if (value.AsSpan().ContainsAnyExcept(IdCharacters))
            Add(field, "may have A-Z a-z 0-9 . _ : - only");
    }

    public void Range(string field, long value, long from, long to)
    {
        if (value < from || value > to)
            Add(field, $"is {value}; from {from} to {to}");
    }

    public Status ToStatus()
    {
        var more = Count > MaxReported ? $", of which the first {MaxReported} are listed" : "";
        return new Status
        {
            Code = (int)Code.InvalidArgument,
            Message = $"The event has {Count} violations{more}; see the details.",
            Details = { Any.Pack(_details) },
        };
    }
}
