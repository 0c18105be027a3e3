using Insurance.Contracts;
using Insurance.Policies;

namespace Insurance.Billing;

/// <summary>The accounts of a policy, as the tables spell them.</summary>
internal static class Accounts
{
    public const string Receivable = "receivable";
    public const string PremiumIncome = "premium_income";
    public const string RefundPayable = "refund_payable";
}

/// <summary>A double entry: the amount goes to one account and comes from another.</summary>
/// <param name="Debit">Gets the amount.</param>
/// <param name="Credit">Gets minus the amount.</param>
/// <param name="Amount">Never negative.</param>
internal sealed record Posting(string Debit, string Credit, Kopecks Amount)
{
    /// <summary>Null where the premium is of a kind that no account is meant for, or negative.</summary>
    public static Posting? Of(Premium premium) => premium switch
    {
        { AmountKopecks: < 0 } => null,
        { Kind: PremiumKind.Written or PremiumKind.Renewed } => new(Accounts.Receivable, Accounts.PremiumIncome, new Kopecks(premium.AmountKopecks)),
        { Kind: PremiumKind.Refunded } => new(Accounts.PremiumIncome, Accounts.RefundPayable, new Kopecks(premium.AmountKopecks)),
        _ => null,
    };
}
