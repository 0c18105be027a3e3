using System.Security.Cryptography;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Fetching;

/// <summary>The sessions of all clients. Bounded: the one that was not used longest makes room.</summary>
internal sealed class FetchSessions
{
    private const int Most = 1000; // Kafka's max.incremental.fetch.session.cache.slots
    private const int NoSession = 0;
    private const int FullAndNew = 0;
    private const int FullAndNone = -1;

    private readonly Lock guard = new();
    private readonly Dictionary<int, FetchSession> sessions = [];
    private long uses;

    /// <summary>The session that a request belongs to or begins; null: none.</summary>
    public (ErrorCode Error, FetchSession? Session) Enter(FetchRequest request, bool byTopicId)
    {
        lock (guard)
        {
            if (request.SessionEpoch is FullAndNone or FullAndNew)
            {
                sessions.Remove(request.SessionId);
                return (ErrorCode.None, request.SessionEpoch == FullAndNone ? null : Begin(request, byTopicId));
            }
            if (!sessions.TryGetValue(request.SessionId, out var session))
                return (ErrorCode.FetchSessionIdNotFound, null);
            lock (session.Guard)
            {
                if (session.ByTopicId != byTopicId)
                    return (ErrorCode.FetchSessionTopicIdError, null);
                if (session.NextEpoch != request.SessionEpoch)
                    return (ErrorCode.InvalidFetchSessionEpoch, null);
                session.Advance();
                session.Update(request.Topics, request.Forgotten);
            }
            session.LastUsed = ++uses;
            return (ErrorCode.None, session);
        }
    }

    private FetchSession Begin(FetchRequest request, bool byTopicId)
    {
        if (sessions.Count >= Most)
            sessions.Remove(sessions.Values.MinBy(session => session.LastUsed)!.Id);
        int id;
        do
            id = RandomNumberGenerator.GetInt32(1, int.MaxValue); // so that no client meets the session of another
        while (id == NoSession || sessions.ContainsKey(id));
        var begun = sessions[id] = new FetchSession(id, byTopicId) { LastUsed = ++uses };
        begun.Update(request.Topics, []);
        return begun;
    }
}
