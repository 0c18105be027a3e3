using Npgsql;
using Onceward.Handling;

namespace Onceward.Unit.Handling;

public sealed class FailureTests
{
    [Theory]
    [InlineData("22001", true)] // string_data_right_truncation
    [InlineData("22P02", true)] // invalid_text_representation
    [InlineData("23502", true)] // not_null_violation
    [InlineData("23505", true)] // unique_violation
    [InlineData("23514", true)] // check_violation
    [InlineData("25P02", true)] // in_failed_sql_transaction: the handler swallowed an error
    [InlineData("25006", false)] // read_only_sql_transaction: a demoted primary
    [InlineData("40001", false)] // serialization_failure
    [InlineData("40P01", false)] // deadlock_detected
    [InlineData("42P01", false)] // undefined_table: a migration that is still to come
    [InlineData("53300", false)] // too_many_connections
    [InlineData("55P03", false)] // lock_not_available
    [InlineData("57014", false)] // query_canceled
    [InlineData("57P01", false)] // admin_shutdown
    [InlineData("08006", false)] // connection_failure
    [InlineData("XX000", false)] // internal_error
    public void A_record_is_at_fault_for_data_and_integrity_only(string sqlState, bool ofRecord)
    {
        Failure.IsOfRecord(Database(sqlState)).ShouldBe(ofRecord);
        Failure.IsOfRecord(new InvalidOperationException("wrapped, as by an object mapper", Database(sqlState))).ShouldBe(ofRecord);
        Failure.IsOfRecord(new InvalidOperationException("wrapped", new AggregateException("and again", Database(sqlState)))).ShouldBe(ofRecord);
    }

    [Fact]
    public void What_a_handler_throws_is_the_records_fault_unless_it_says_transient()
    {
        Failure.IsOfRecord(new InvalidOperationException("no such policy")).ShouldBeTrue();
        Failure.IsOfRecord(new OncewardException("MINE", "no")).ShouldBeTrue();
        Failure.IsOfRecord(new OncewardException(ErrorCodes.Transient, "down", isTransient: true)).ShouldBeFalse();
    }

    [Fact]
    public void A_broken_connection_and_a_cancellation_are_nobodys_fault()
    {
        Failure.IsOfRecord(new NpgsqlException("broken", new IOException())).ShouldBeFalse();
        Failure.IsOfRecord(new TaskCanceledException()).ShouldBeFalse();
        Failure.IsOfRecord(new InvalidOperationException("wrapped", new NpgsqlException("broken"))).ShouldBeFalse();
    }

    [Fact]
    public void Only_what_can_never_succeed_is_final()
    {
        Failure.IsFinal(new UndecodableRecordException(new("t", 0, 1), typeof(string), new FormatException())).ShouldBeTrue();
        Failure.IsFinal(new OncewardException(ErrorCodes.Unpublishable, "too large")).ShouldBeTrue();
        Failure.IsFinal(new InvalidOperationException()).ShouldBeFalse();
        Failure.IsFinal(Database("23505")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("23503", true)] // a deferred constraint
    [InlineData("40001", true)]
    [InlineData("25P02", true)]
    [InlineData("57P01", false)] // the server goes down; who knows
    [InlineData("57014", false)]
    [InlineData("53100", false)]
    public void The_answer_to_COMMIT_means_rolled_back_only_where_the_server_is_sure(string sqlState, bool rolledBack) =>
        Failure.MeansRolledBack(Database(sqlState)).ShouldBe(rolledBack);

    private static PostgresException Database(string sqlState) => new("message", "ERROR", "ERROR", sqlState);
}
