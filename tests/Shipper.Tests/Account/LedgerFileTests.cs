using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>The undelivered part of the ledger on disk: read back whole, and whatever else is there does not stop the start.</summary>
public sealed class LedgerFileTests : IDisposable
{
    private static readonly LedgerRecord Record = new()
    {
        Version = 1,
        Epoch = 1,
        Source = "ns/pod/app",
        File = "8:1/1#ab",
        Minute = new DateTime(2026, 11, 23, 1, 0, 0, DateTimeKind.Utc),
        Lines = 3,
        Entries = [0, 3],
    };

    private readonly TempDirectory _directory = new("ledger");

    private string File => _directory.File(LedgerFile.Name);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void WhatWasSaved_IsThereAfterTheNextStart_ByTenant()
    {
        (LedgerFile file, Ledger ledger) = New();
        ledger.Restore("ops", Record);
        ledger.Restore("", Record with { Lines = 4, Entries = [0, 4] });
        file.Save();

        (LedgerFile next, Ledger restored) = New();
        next.Load();
        Assert.Equal(2, restored.Pending);
        Assert.Equal(3, Assert.Single(restored.Of("ops").Leave(all: false, 10)).Lines);
        Assert.Equal(4, Assert.Single(restored.Of("").Leave(all: false, 10)).Lines);
    }

    [Fact]
    public void DeliveredRecords_AreGoneFromTheFile()
    {
        (LedgerFile file, Ledger ledger) = New();
        ledger.Restore("ops", Record);
        file.Save();
        ledger.Of("ops").Leave(all: false, 10);
        file.Save();
        Assert.Contains("ns/pod/app", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
        ledger.Of("ops").Left();
        file.Save();
        Assert.DoesNotContain("ns/pod/app", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
    }

    [Fact]
    public void NothingChanged_NothingIsWritten()
    {
        (LedgerFile file, Ledger ledger) = New();
        file.Save();
        Assert.False(System.IO.File.Exists(File));
        ledger.Restore("ops", Record);
        file.Save();
        System.IO.File.Delete(File);
        file.Save();
        Assert.False(System.IO.File.Exists(File));
    }

    [Theory]
    [InlineData("")]
    [InlineData("something else\n")]
    [InlineData("loki-shipper ledger.pending 1\nno tab\nops\t{}\nops\t{\"v\":1\n\0\0\0\t\n")]
    public void ForeignOrTornContent_IsPassedOver(string content)
    {
        System.IO.File.WriteAllText(File, content);
        (LedgerFile file, Ledger ledger) = New();
        file.Load();
        Assert.Equal(0, ledger.Pending);
    }

    [Fact]
    public void GoodLinesBesideABadOne_AreUsed()
    {
        string good = "ops\t" + Encoding.UTF8.GetString(Record.ToUtf8());
        System.IO.File.WriteAllText(File, $"loki-shipper ledger.pending 1\n{good}\nops\tbroken\n{good}\n");
        (LedgerFile file, Ledger ledger) = New();
        file.Load();
        Assert.Equal(2, ledger.Pending);
    }

    [Fact]
    public void DirectoryThatCannotBeWritten_DoesNotStopShipping_AndIsTriedAgain()
    {
        string gone = _directory.Folder("gone");
        var ledger = new Ledger(1, TimeProvider.System);
        var file = new LedgerFile(gone, ledger, NullLogger.Instance);
        ledger.Restore("ops", Record);
        Directory.Delete(gone);
        file.Save();
        Directory.CreateDirectory(gone);
        file.Save();
        Assert.True(System.IO.File.Exists(Path.Combine(gone, LedgerFile.Name)));
    }

    private (LedgerFile File, Ledger Ledger) New()
    {
        var ledger = new Ledger(1, TimeProvider.System);
        return (new LedgerFile(_directory.Path, ledger, NullLogger.Instance), ledger);
    }
}
