using System.ComponentModel;
using System.Diagnostics;
using Npgsql;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

/// <summary>The database's disk is full: SQLSTATE 53100.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task A_full_disk_is_waited_for_and_parks_nothing()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1);
        await using var disk = await SmallDisk.CreateAsync(lane.Database);
        await lane.Database.ExecuteAsync($"ALTER TABLE effect SET TABLESPACE {disk.Tablespace}");
        lane.ClaimKeyed(0, Values("a", 4));
        await lane.DrainBatchesAsync();
        disk.Fill();
        lane.Script.Calls.Clear();
        lane.ClaimKeyed(1, Values("b", 30));
        var draining = lane.DrainBatchesAsync();
        await Eventually.HoldsAsync("the batch is tried again and again", () => lane.Script.Calls.Count >= 3 * 30);
        draining.IsCompleted.ShouldBeFalse();
        (await Should.ThrowAsync<PostgresException>(() => lane.Database.ExecuteAsync("INSERT INTO effect (value) SELECT repeat('x', 1500) FROM generate_series(1, 30)")))
            .SqlState.ShouldBe(PostgresErrorCodes.DiskFull, "or the disk was not full");
        (await lane.NextOffsetAsync(1)).ShouldBe(0);
        disk.Free();
        await draining;
        (await lane.PlacesAsync()).ShouldBe([.. Enumerable.Range(0, 4).Select(i => $"0:{i}"), .. Enumerable.Range(0, 30).Select(i => $"1:{i}")]);
        (await lane.NextOffsetAsync(1)).ShouldBe(30);
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
    }

    // Five of them fill a page of the table: what the page in use has room for is soon used.
    private static string[] Values(string key, int count) => [.. Enumerable.Range(0, count).Select(i => $"{key}:{i}{new string('x', 1500)}")];

    /// <summary>A tablespace on a memory disk of its own, which only a privileged user can make.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        private readonly TestDatabase _database;
        private readonly string _folder;

        private SmallDisk(TestDatabase database, string folder) => (_database, _folder) = (database, folder);

        public string Tablespace => Path.GetFileName(_folder);

        private string Filler => Path.Combine(_folder, "filler");

        public static async Task<SmallDisk> CreateAsync(TestDatabase database)
        {
            var data = await database.ScalarAsync<string>("SHOW data_directory");
            if (!Environment.IsPrivilegedProcess || !Directory.Exists(data))
                Assert.Skip("A disk of a megabyte is mounted for this test: it needs root, and the server on this machine.");
            var disk = new SmallDisk(database, Path.Combine(Path.GetTempPath(), $"small_{Guid.NewGuid():N}"));
            Directory.CreateDirectory(disk._folder);
            if (!Run("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", disk._folder))
            {
                Directory.Delete(disk._folder);
                Assert.Skip("A disk of a megabyte is mounted for this test, and mounting is not permitted here.");
            }
            // The server's user owns its tablespace, beside which the filler lies.
            var location = Path.Combine(disk._folder, "tablespace");
            Directory.CreateDirectory(location);
            Run("chown", $"--reference={data}", location).ShouldBeTrue();
            await database.ExecuteAsync($"CREATE TABLESPACE {disk.Tablespace} LOCATION '{location}'");
            return disk;
        }

        /// <summary>Writes until there is no room.</summary>
        public void Fill()
        {
            using var file = File.Create(Filler, bufferSize: 1);
            try
            {
                while (true)
                    file.Write(new byte[4096]);
            }
            catch (IOException)
            {
                // Full, as was wanted.
            }
        }

        public void Free() => File.Delete(Filler);

        public async ValueTask DisposeAsync()
        {
            File.Delete(Filler);
            await _database.ExecuteAsync("DROP TABLE IF EXISTS effect");
            // The files of a dropped table go at the next checkpoint.
            await _database.ExecuteAsync("CHECKPOINT");
            await _database.ExecuteAsync($"DROP TABLESPACE IF EXISTS {Tablespace}");
            Run("umount", "--lazy", _folder).ShouldBeTrue();
            Directory.Delete(_folder);
        }

        private static bool Run(string program, params string[] arguments)
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
                process.StandardError.ReadToEnd();
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (Win32Exception)
            {
                return false;
            }
        }
    }
}
