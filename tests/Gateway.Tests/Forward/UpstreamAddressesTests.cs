// Choosing and leaving out, against what any history of failures must keep: a push goes to a healthy address while there is one, and every address gets its probe.
using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Forward;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Forward;

public sealed class UpstreamAddressesTests
{
    [Property(MaxTest = 200)]
    public Property AnyHistory_PicksAHealthyAddressWhileThereIsOne_AndProbesEveryOtherInTheEnd() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            using var run = new Run(random);
            for (int step = 0; step < 300; step++)
            {
                switch (random.Next(10))
                {
                    case 0: run.Time.Advance(TimeSpan.FromSeconds(random.Next(1, 40))); break;
                    case 1: run.BreakOrMend(); break;
                    case 2: run.ChangeDns(); break;
                    case <= 6: run.Send(); break;
                    default: run.Finish(); break;
                }
            }

            return run.MendsInTheEnd();
        });

    [Fact]
    public void LeastLoaded_IsNext_AndEqualsTakeTurns()
    {
        using UpstreamAddresses addresses = New(new FakeTimeProvider(), 3);
        AddressLease[] first = [.. Enumerable.Range(0, 3).Select(_ => addresses.Take()!.Value)];
        Assert.Equal(3, first.Select(static lease => lease.Address.Ip).Distinct().Count());
        addresses.Return(first[1], AddressOutcome.Answered, out _);
        Assert.Equal(first[1].Address.Ip, addresses.Take()!.Value.Address.Ip);
    }

    [Fact]
    public void TimeOut_DoublesFromOneSecondToAMinute_AndIsForgivenAfterAMinuteOfHealth()
    {
        var time = new FakeTimeProvider();
        using UpstreamAddresses addresses = New(time, 2);
        var waits = new List<double>();
        AddressLease first = addresses.Take()!.Value;
        UpstreamAddress bad = first.Address;
        addresses.Return(first, AddressOutcome.Answered, out _);
        for (int i = 0; i < 9; i++)
        {
            AddressLease lease = TakeThe(addresses, bad);
            Assert.Equal(AddressChange.Ejected, addresses.Return(lease, AddressOutcome.NoConnection, out TimeSpan wait));
            waits.Add(wait.TotalSeconds);
            time.Advance(wait);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], waits);
        Assert.Equal(AddressChange.Restored, addresses.Return(TakeThe(addresses, bad), AddressOutcome.Answered, out _));
        Assert.Equal(AddressChange.Ejected, addresses.Return(TakeThe(addresses, bad), AddressOutcome.NoConnection, out TimeSpan again));
        Assert.Equal(60, again.TotalSeconds);
        time.Advance(again);
        addresses.Return(TakeThe(addresses, bad), AddressOutcome.Answered, out _);
        time.Advance(TimeSpan.FromMinutes(1));
        addresses.Return(TakeThe(addresses, bad), AddressOutcome.NoConnection, out TimeSpan forgiven);
        Assert.Equal(1, forgiven.TotalSeconds);
    }

    [Fact]
    public void ThreeFailuresInARow_Eject_AndOneAnswerInBetweenStartsAnew()
    {
        using UpstreamAddresses addresses = New(new FakeTimeProvider(), 1);
        AddressOutcome[] history = [AddressOutcome.Failing, AddressOutcome.Failing, AddressOutcome.Answered, AddressOutcome.Failing, AddressOutcome.Failing];
        Assert.All(history, outcome => Assert.Equal(AddressChange.None, addresses.Return(addresses.Take()!.Value, outcome, out _)));
        Assert.Equal(AddressChange.Ejected, addresses.Return(addresses.Take()!.Value, AddressOutcome.Failing, out _));
        Assert.Equal((1, 1), (addresses.Count, addresses.EjectedCount));
    }

    [Fact]
    public void PushesFromBeforeTheEjection_NeitherProlongItNorEndIt()
    {
        var time = new FakeTimeProvider();
        using UpstreamAddresses addresses = New(time, 1);
        AddressLease[] leases = [.. Enumerable.Range(0, 3).Select(_ => addresses.Take()!.Value)];
        Assert.Equal(AddressChange.Ejected, addresses.Return(leases[0], AddressOutcome.NoConnection, out _));
        Assert.Equal(AddressChange.None, addresses.Return(leases[1], AddressOutcome.NoConnection, out _));
        Assert.Equal(AddressChange.None, addresses.Return(leases[2], AddressOutcome.Answered, out _));
        Assert.Equal(1, addresses.EjectedCount);
    }

    [Fact]
    public void AddressThatIsGone_KeepsItsConnectionsUntilItsLastPushIsBack()
    {
        var closed = new List<IPAddress>();
        using var addresses = new UpstreamAddresses(ip => new Closing(() => closed.Add(ip)), new FakeTimeProvider());
        Assert.Equal((2, 0), addresses.Change([Ip(1), Ip(2)]));
        AddressLease first = addresses.Take()!.Value, second = addresses.Take()!.Value;
        Assert.Equal((1, 2), addresses.Change([Ip(3)]));
        Assert.Equal(Ip(3), addresses.Take()!.Value.Address.Ip);
        Assert.Empty(closed);
        addresses.Return(first, AddressOutcome.Answered, out _);
        Assert.Equal([first.Address.Ip], closed);
        addresses.Return(second, AddressOutcome.NoConnection, out _);
        Assert.Equal(2, closed.Count);
        // One that comes back is a new one.
        addresses.Change([Ip(1), Ip(3)]);
        Assert.Equal(0, addresses.EjectedCount);
    }

    [Fact]
    public void MoreAddressesThanAnyLokiHas_AreCut_TheSameOnesAtEveryLook()
    {
        using UpstreamAddresses addresses = New(new FakeTimeProvider(), 0);
        IPAddress[] many = [.. Enumerable.Range(0, 1000).Select(static i => new IPAddress([10, 0, (byte)(i / 250), (byte)(i % 250)]))];
        Assert.Equal((UpstreamAddresses.AddressesMax, 0), addresses.Change(many));
        Assert.Equal((0, 0), addresses.Change(many.Reverse()));
        Assert.Equal(UpstreamAddresses.AddressesMax, addresses.Count);
    }

    private static UpstreamAddresses New(TimeProvider time, int count)
    {
        var addresses = new UpstreamAddresses(static _ => new Closing(static () => { }), time);
        addresses.Change(Enumerable.Range(1, count).Select(Ip));
        return addresses;
    }

    private static IPAddress Ip(int last) => new([127, 0, 0, (byte)last]);

    private static AddressLease TakeThe(UpstreamAddresses addresses, UpstreamAddress wanted)
    {
        for (int i = 0; i < 10; i++)
        {
            AddressLease lease = addresses.Take()!.Value;
            if (lease.Address == wanted) return lease;
            addresses.Return(lease, AddressOutcome.Answered, out _);
        }

        throw new InvalidOperationException($"{wanted.Ip} never comes");
    }

    private sealed class Closing(Action closed) : HttpMessageInvoker(new SocketsHttpHandler())
    {
        protected override void Dispose(bool disposing)
        {
            closed();
            base.Dispose(disposing);
        }
    }

    /// <summary>Addresses that break and mend, pushes that are under way, and what the rules say about each step.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Random _random;
        private readonly UpstreamAddresses _addresses;
        private readonly HashSet<IPAddress> _broken = [];
        private readonly List<AddressLease> _pushes = [];
        private readonly List<UpstreamAddress> _seen = [];
        private HashSet<IPAddress> _named;

        public Run(Random random)
        {
            _random = random;
            _addresses = new UpstreamAddresses(static _ => new Closing(static () => { }), Time);
            _named = [Ip(1), Ip(2), Ip(3)];
            _addresses.Change(_named);
        }

        public FakeTimeProvider Time { get; } = new();

        public void Dispose() => _addresses.Dispose();

        public void BreakOrMend()
        {
            IPAddress one = Ip(_random.Next(1, 7));
            if (!_broken.Remove(one)) _broken.Add(one);
        }

        public void ChangeDns()
        {
            _named = [.. Enumerable.Range(1, 6).Where(_ => _random.Next(2) == 0).Select(Ip)];
            if (_named.Count == 0) _named = [Ip(1)];
            _addresses.Change(_named);
        }

        public void Send()
        {
            int ejected = _addresses.EjectedCount;
            AddressLease? taken = _addresses.Take();
            Assert.NotNull(taken);
            AddressLease lease = taken.Value;
            if (!_seen.Contains(lease.Address)) _seen.Add(lease.Address);
            Assert.Contains(lease.Address.Ip, _named);
            if (lease.Address.IsEjected && ejected < _named.Count)
            {
                Assert.True(lease.IsProbe, "an ejected address was picked while a healthy one was there");
                Assert.True(lease.Address.EjectedUntil <= Time.GetTimestamp(), "probed before its time");
                Assert.DoesNotContain(_pushes, push => push.Address == lease.Address && push.IsProbe && push.Ejections == lease.Ejections);
            }

            if (!lease.Address.IsEjected)
                Assert.All(_seen.Where(one => !one.IsGone && !one.IsEjected), one => Assert.True(one.InFlight >= lease.Address.InFlight - 1, "another had fewer in flight"));
            // The second try of a push: never the same, and no ejected one while another healthy one is there.
            if (_addresses.Take(lease.Address) is { } second)
            {
                Assert.NotEqual(lease.Address, second.Address);
                if (second.Address.IsEjected) Assert.True(ejected >= _named.Count - 1, "a second try went to an ejected address");
                _pushes.Add(second);
            }

            _pushes.Add(lease);
        }

        public void Finish()
        {
            if (_pushes.Count == 0) return;
            int index = _random.Next(_pushes.Count);
            AddressLease push = _pushes[index];
            _pushes.RemoveAt(index);
            AddressOutcome bad = _random.Next(2) == 0 ? AddressOutcome.NoConnection : AddressOutcome.Failing;
            _addresses.Return(push, _broken.Contains(push.Address.Ip) ? bad : AddressOutcome.Answered, out TimeSpan wait);
            Assert.InRange(wait, TimeSpan.Zero, UpstreamAddresses.EjectedMax);
        }

        /// <summary>Everything answers from now on: within the longest time out and a few pushes, all are in use again.</summary>
        public bool MendsInTheEnd()
        {
            _broken.Clear();
            while (_pushes.Count > 0) Finish();
            Time.Advance(UpstreamAddresses.EjectedMax);
            for (int i = 0; i < 2 * _named.Count; i++) _addresses.Return(_addresses.Take()!.Value, AddressOutcome.Answered, out _);
            return _addresses.EjectedCount == 0 && _addresses.Count == _named.Count;
        }
    }
}
