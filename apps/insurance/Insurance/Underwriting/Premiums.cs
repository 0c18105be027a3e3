using System.Globalization;
using Insurance.Contracts;

namespace Insurance.Underwriting;

/// <summary>Makes the messages of <see cref="Topology.AutoPremiums"/>.</summary>
internal static class Premiums
{
    /// <summary>The premium that an accepted event causes. Computing it again makes the same message.</summary>
    public static Premium Of(PolicyEvent cause, Quote quote)
    {
        var premium = new Premium
        {
            EventId = $"{cause.EventId}/premium",
            SourceEventId = cause.EventId,
            PolicyId = cause.PolicyId,
            Kind = cause.KindCase switch
            {
                PolicyEvent.KindOneofCase.Issued => PremiumKind.Written,
                PolicyEvent.KindOneofCase.Renewed => PremiumKind.Renewed,
                _ => PremiumKind.Refunded,
            },
            AmountKopecks = quote.Amount.Value,
            TariffVersion = Tariff.Version,
            OccurredAt = cause.OccurredAt,
        };
        foreach (var (name, value) in quote.Factors)
            premium.Factors.Add(new PremiumFactor { Name = name, Value = value.ToString("0.####", CultureInfo.InvariantCulture) });
        return premium;
    }
}
