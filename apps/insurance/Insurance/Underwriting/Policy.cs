using Insurance.Policies;

namespace Insurance.Underwriting;

/// <summary>A policy as underwriting keeps it.</summary>
/// <param name="Id">Its <c>policy_id</c>.</param>
/// <param name="State">What the rules look at.</param>
/// <param name="Premium">Of the latest term; a refund is a part of it.</param>
internal sealed record Policy(string Id, PolicyState State, Kopecks Premium);
