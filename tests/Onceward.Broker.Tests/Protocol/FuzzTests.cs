using System.Globalization;
using System.Reflection;
using Onceward.Broker.Listening;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Protocol;

/// <summary>Bytes that no client would send, for every request in every version: they are read or refused, within a bound of memory.</summary>
/// <remarks>ONCEWARD_FUZZ_INPUTS and ONCEWARD_FUZZ_SEED set how many and which; the seed is printed, and a failure names its input.</remarks>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int MostBytes = 512;
    private const long FixedAllowance = 64 * 1024; // An array's first thousand items, and an exception with its trace.
    private const int AllowancePerByte = 512; // An object an item, and an item has at least a byte.

    private delegate void Parser(Memory<byte> body, short version, bool flexible);

    [Fact]
    public void No_input_crashes_a_parser_or_makes_it_allocate_what_is_not_there()
    {
        var inputs = Setting("ONCEWARD_FUZZ_INPUTS", 1_000_000);
        var seed = Setting("ONCEWARD_FUZZ_SEED", Environment.TickCount);
        output.WriteLine($"seed {seed}, {inputs} inputs");
        var random = new Random(seed);
        var parsers = Parsers();
        parsers.Count.ShouldBe(SupportedApis.All.Count, "every request that is advertised has its parser here");
        var read = 0;
        for (var i = 0; i < inputs; i++)
        {
            var (api, parser) = parsers[random.Next(parsers.Count)];
            var version = (short)random.Next(api.Min, api.Max + 1);
            var body = Body(random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            read += Try(() => parser(body, version, version >= api.FlexibleFrom), api, version, body) ? 1 : 0;
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated >= FixedAllowance + (AllowancePerByte * body.Length))
                Assert.Fail($"{allocated} bytes were allocated for {api.Key} v{version}: {Convert.ToHexString(body)}");
        }
        output.WriteLine($"{read} were requests, {inputs - read} were refused");
        read.ShouldBeGreaterThan(0, "inputs that are never a request test only the first bytes");
    }

    [Fact]
    public void No_frame_crashes_the_reader_of_headers()
    {
        var random = new Random(Setting("ONCEWARD_FUZZ_SEED", Environment.TickCount));
        for (var i = 0; i < 50_000; i++)
        {
            var frame = Body(random);
            Try(() => RequestHeader.Read(frame), default, 0, frame);
        }
    }

    /// <summary>False: refused as what is no request, the one way in which it may be.</summary>
    private static bool Try(Action parse, SupportedApi api, short version, byte[] input)
    {
        try
        {
            parse();
            return true;
        }
        catch (MalformedRequestException)
        {
            return false;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{api.Key} v{version}: {Convert.ToHexString(input)}", e);
        }
    }

    /// <summary>Small numbers for the most part, as lengths and counts are, so that many inputs get far.</summary>
    private static byte[] Body(Random random)
    {
        var body = new byte[random.Next(MostBytes)];
        var wild = random.NextDouble() * 0.3;
        for (var i = 0; i < body.Length; i++)
            body[i] = random.NextDouble() < wild ? (byte)random.Next(256) : (byte)(random.Next(8) == 0 ? random.Next(8) : 0);
        return body;
    }

    private static List<(SupportedApi Api, Parser Parse)> Parsers()
    {
        var generic = typeof(FuzzTests).GetMethod(nameof(Parse), BindingFlags.NonPublic | BindingFlags.Static)!;
        return
        [
            .. from type in typeof(SupportedApis).Assembly.GetTypes()
               where type.GetInterfaces().Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IRequest<>))
               let api = SupportedApis.All.Single(api => $"{api.Key}Request" == type.Name)
               select (api, generic.MakeGenericMethod(type).CreateDelegate<Parser>()),
        ];
    }

    private static void Parse<T>(Memory<byte> body, short version, bool flexible)
        where T : IRequest<T>
    {
        var reader = new WireReader(body, version, flexible);
        T.Read(ref reader);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
