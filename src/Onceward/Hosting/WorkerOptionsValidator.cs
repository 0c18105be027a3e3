using Confluent.Kafka;
using Microsoft.Extensions.Options;

namespace Onceward.Hosting;

/// <summary>Checks the settings of each worker on start and names everything that is wrong at once.</summary>
internal sealed class WorkerOptionsValidator : IValidateOptions<WorkerOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkerOptions options)
    {
        List<string> errors = [];
        var lanes = options.Lanes;
        Check(lanes.Count is >= 1 and <= 256, "Lanes.Count", lanes.Count, "1 to 256: each is a connection");
        Check(lanes.MaxRecords is >= 1 and <= 1_000_000, "Lanes.MaxRecords", lanes.MaxRecords, "1 to 1,000,000");
        Check(lanes.MaxBytes >= 1, "Lanes.MaxBytes", lanes.MaxBytes, "1 at least");
        Check(lanes.Linger >= TimeSpan.Zero && lanes.Linger <= TimeSpan.FromMinutes(1), "Lanes.Linger", lanes.Linger, "zero to one minute");
        CheckBound("Lanes.StatementTimeout", lanes.StatementTimeout);
        CheckBound("Lanes.LockTimeout", lanes.LockTimeout);
        CheckBound("Lanes.IdleInTransactionTimeout", lanes.IdleInTransactionTimeout);
        Check(options.MaxBufferedBytes >= 64 * 1024, "MaxBufferedBytes", options.MaxBufferedBytes, "64 KiB at least: intake stops and starts at half of it");
        Check(
            options.SessionTimeout >= TimeSpan.FromSeconds(1) && options.SessionTimeout <= TimeSpan.FromHours(1), "SessionTimeout", options.SessionTimeout,
            "1 s to 1 h; brokers accept from 6 s to 30 min unless told otherwise");
        Check(options.GroupProtocol is GroupProtocol.Classic or GroupProtocol.Consumer, "GroupProtocol", options.GroupProtocol, "Classic or Consumer");
        Check(options.InstanceName is not { } instance || TopicName.IsLegal(instance), "InstanceName", $"'{options.InstanceName}'", "1 to 249 letters, digits, '.', '_' and '-'");
        Check(options.ShutdownTimeout >= TimeSpan.Zero && options.ShutdownTimeout <= TimeSpan.FromDays(1), "ShutdownTimeout", options.ShutdownTimeout, "zero to one day");
        Check(
            options.DedupeWindow >= TimeSpan.FromMinutes(1) && options.DedupeWindow <= TimeSpan.FromDays(3650), "DedupeWindow", options.DedupeWindow,
            "one minute to ten years");
        Check(
            options.MirrorInterval >= TimeSpan.FromMilliseconds(10) && options.MirrorInterval <= TimeSpan.FromDays(1), "MirrorInterval", options.MirrorInterval,
            "10 ms to one day");
        CheckBound("FrozenOwnerGrace", options.FrozenOwnerGrace);
        CheckBound("CheckInterval", options.CheckInterval);
        CheckBound("HungTransactionAfter", options.HungTransactionAfter);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        // PostgreSQL takes zero for "no bound", and whole milliseconds of an int.
        void CheckBound(string setting, TimeSpan value) =>
            Check(value >= TimeSpan.FromMilliseconds(1) && value <= TimeSpan.FromDays(1), setting, value, "1 ms to one day");

        void Check(bool holds, string setting, object value, string bounds)
        {
            if (!holds)
                errors.Add($"{setting} of worker '{name}' is {value}; it must be {bounds}.");
        }
    }
}
