using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Onceward.Handling;
using Onceward.Hosting;

namespace Onceward.Unit.Hosting;

public sealed class BuilderTests
{
    private readonly ServiceCollection _services = [];

    [Fact]
    public void A_worker_reads_something() => Refused(_ => { }).ShouldContain("reads no topic");

    [Fact]
    public void A_topic_is_read_once() =>
        Refused(w => w.From("in").Handle<string, Ignore<string>>().From("in").Handle<int, Ignore<int>>()).ShouldContain("'in' twice");

    [Fact]
    public void A_topic_is_handled() => Refused(w => w.From("in")).ShouldContain("does not handle it");

    [Fact]
    public void A_topic_has_one_handler()
    {
        Refused(w => w.From("in").Handle<string, Ignore<string>>().Handle<int, Ignore<int>>()).ShouldContain("has a handler already");
        Refused(w => w.From("in").Handle<string, Ignore<string>>().HandleBatch<string, IgnoreAll<string>>()).ShouldContain("has a handler already");
    }

    [Fact]
    public void A_topic_and_a_dead_letter_topic_have_legal_names()
    {
        Refused(w => w.From("no spaces").Handle<string, Ignore<string>>()).ShouldContain("'no spaces'");
        Refused(w => w.From("in").Handle<string, Ignore<string>>().DeadLetterTo("in dlq")).ShouldContain("'in dlq'");
        Should.Throw<ArgumentException>(() => Add(w => w.From(" ")));
    }

    [Fact]
    public void A_topic_does_not_take_its_own_dead_letters() =>
        Refused(w => w.From("in").Handle<string, Ignore<string>>().DeadLetterTo("in")).ShouldContain("for ever");

    [Fact]
    public void Repetitions_are_told_by_the_message_that_is_handled()
    {
        var worker = new WorkerBuilder("sums", _services);
        worker.From("in").Handle<string, Ignore<string>>().DedupeBy<int>(i => i.ToString());
        var definition = worker.Build();
        Should.Throw<OncewardException>(() => definition.Subscriptions[0].Create(new JsonSerdes())).Message.ShouldContain("DedupeBy");
    }

    [Fact]
    public void DedupeBy_may_stand_before_or_after_the_handler()
    {
        var worker = new WorkerBuilder("sums", _services);
        worker.From("a").DedupeBy<string>(s => s).Handle<string, Ignore<string>>().From("b").HandleBatch<string, IgnoreAll<string>>().DedupeBy<string>(s => s);
        worker.Build().Subscriptions.Select(s => s.Create(new JsonSerdes()).Topic).ShouldBe(["a", "b"]);
    }

    [Fact]
    public void What_stands_behind_a_topic_is_about_that_topic()
    {
        var worker = new WorkerBuilder("sums", _services);
        worker.From("a").Handle<string, Ignore<string>>().Retry(r => r.Attempts(2)).DeadLetterTo("a.dlq")
            .From("b").Handle<string, Ignore<string>>().StartAt(StartAt.Latest);
        var settings = worker.Build().Subscriptions.Select(s => s.Create(new JsonSerdes()).Settings).ToArray();
        settings.Select(s => (s.Worker, s.Topic, s.Retry.MaxAttempts, s.DeadLetterTopic, s.StartAt)).ShouldBe(
            [("sums", "a", 2, "a.dlq", StartAt.Earliest), ("sums", "b", 8, null, StartAt.Latest)]);
    }

    [Fact]
    public void Attempts_and_pauses_have_bounds()
    {
        var retry = new RetryOptions();
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Attempts(0));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Backoff(TimeSpan.FromSeconds(-1), TimeSpan.Zero));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Backoff(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1)));
        retry.Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)).Delays.ShouldBe(new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.TimeLimit(TimeSpan.Zero));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Caps(0, 1));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Caps(1, 0));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Circuit(0, 1, TimeSpan.FromSeconds(1)));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Circuit(1.1, 1, TimeSpan.FromSeconds(1)));
        Should.Throw<ArgumentOutOfRangeException>(() => retry.Circuit(0.5, 1, TimeSpan.Zero));
    }

    [Fact]
    public void Every_worker_is_a_service_of_its_own_and_the_relay_is_one_for_all()
    {
        var onceward = _services.AddOnceward();
        onceward.AddWorker("a", w => w.From("in").Handle<string, Ignore<string>>());
        onceward.AddWorker("b", w => w.From("in").Handle<string, Ignore<string>>());
        _services.AddOnceward();
        _services.Count(s => s.ServiceType == typeof(IHostedService)).ShouldBe(3);
    }

    private string Refused(Action<WorkerBuilder> configure)
    {
        var error = Should.Throw<OncewardException>(() => Add(configure));
        error.ErrorCode.ShouldBe(ErrorCodes.Configuration);
        return error.Message;
    }

    private void Add(Action<WorkerBuilder> configure) => _services.AddOnceward().AddWorker("sums", configure);
}
