using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Onceward.Hosting;

namespace Onceward.EntityFrameworkCore;

/// <summary>Adds handlers that work with Entity Framework Core.</summary>
public static class EntityBuilderExtensions
{
    /// <summary>
    /// Applies records with a <typeparamref name="THandler"/> to a <typeparamref name="TContext"/> on the connection and in the transaction of the
    /// batch, both made anew for every attempt.
    /// </summary>
    /// <param name="subscription">The topic.</param>
    public static SubscriptionBuilder HandleEntities<TMessage, TContext, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this SubscriptionBuilder subscription)
        where TContext : DbContext
        where THandler : class, IEntityHandler<TMessage, TContext>
    {
        ArgumentNullException.ThrowIfNull(subscription);
        subscription.Services.TryAddScoped<THandler>();
        return subscription.HandleBatch<TMessage, EntityAdapter<TMessage, TContext, THandler>>();
    }
}
