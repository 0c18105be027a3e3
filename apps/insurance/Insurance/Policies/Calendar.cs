using Insurance.Contracts;

namespace Insurance.Policies;

/// <summary>Dates as messages carry them, as calendar days.</summary>
internal static class Calendar
{
    /// <summary>Null where the message has no date, or one that no calendar has.</summary>
    public static DateOnly? Day(this Date? date) =>
        date is { Year: >= 1 and <= 9999, Month: >= 1 and <= 12, Day: >= 1 } && date.Day <= DateTime.DaysInMonth(date.Year, date.Month)
            ? new DateOnly(date.Year, date.Month, date.Day)
            : null;
}
