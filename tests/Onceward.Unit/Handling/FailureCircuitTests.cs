using Microsoft.Extensions.Time.Testing;
using Onceward.Handling;

namespace Onceward.Unit.Handling;

public sealed class FailureCircuitTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void It_opens_when_enough_records_fail_and_they_are_enough_of_all()
    {
        var circuit = Circuit(ratio: 0.5, failures: 3);
        circuit.Succeeded(3);
        circuit.Failed();
        circuit.Failed();
        circuit.IsOpen.ShouldBeFalse("two are too few");
        circuit.Failed();
        circuit.IsOpen.ShouldBeTrue();
    }

    [Fact]
    public void A_few_poisoned_records_among_many_do_not_open_it()
    {
        var circuit = Circuit(ratio: 0.5, failures: 3);
        circuit.Succeeded(1000);
        for (var i = 0; i < 100; i++)
            circuit.Failed();
        circuit.IsOpen.ShouldBeFalse();
    }

    [Fact]
    public void It_stays_open_while_what_is_tried_fails_however_little_that_is_and_closes_when_it_succeeds()
    {
        var circuit = Circuit(ratio: 0.5, failures: 3);
        for (var i = 0; i < 3; i++)
            circuit.Failed();
        circuit.IsOpen.ShouldBeTrue();
        _time.Advance(TimeSpan.FromHours(1));
        circuit.IsOpen.ShouldBeTrue("nothing was tried since");
        circuit.Failed();
        circuit.IsOpen.ShouldBeTrue();
        _time.Advance(TimeSpan.FromHours(1));
        circuit.Succeeded(1);
        circuit.IsOpen.ShouldBeFalse();
        circuit.Failed();
        circuit.IsOpen.ShouldBeFalse("it counts from the beginning");
    }

    [Fact]
    public void What_is_older_than_two_windows_does_not_count()
    {
        var circuit = Circuit(ratio: 0.5, failures: 3);
        circuit.Failed();
        circuit.Failed();
        _time.Advance(TimeSpan.FromSeconds(21));
        circuit.Failed();
        circuit.IsOpen.ShouldBeFalse();
    }

    private FailureCircuit Circuit(double ratio, int failures) => new(new RetryOptions().Circuit(ratio, failures, TimeSpan.FromSeconds(10)), _time);
}
