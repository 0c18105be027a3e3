namespace Insurance.Policies;

/// <summary>Why an event was rejected. The texts stand in the ledgers and are never changed, only added to.</summary>
internal static class Reasons
{
    public const string AlreadyIssued = "already_issued";
    public const string NotIssued = "not_issued";

    /// <summary>A renewal of a policy that was cancelled.</summary>
    public const string Cancelled = "cancelled";
    public const string AlreadyCancelled = "already_cancelled";

    /// <summary>A cancellation that takes effect before the cover starts, or when it has ended anyway.</summary>
    public const string OutsideTerm = "outside_term";

    /// <summary>A renewal that starts before the present term ends.</summary>
    public const string OverlapsTerm = "overlaps_term";

    /// <summary>The event lacks something that its kind must have.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>The term has no days, or more than a year of them.</summary>
    public const string InvalidTerm = "invalid_term";
    public const string UnknownCategory = "unknown_category";
    public const string PowerOutOfRange = "power_out_of_range";
    public const string BaseRateOutOfRange = "base_rate_out_of_range";
    public const string AgeOutOfRange = "age_out_of_range";

    /// <summary>More years behind the wheel than there were to drive in.</summary>
    public const string ImpossibleExperience = "impossible_experience";
    public const string UnknownBonusMalusClass = "unknown_bonus_malus_class";
}
