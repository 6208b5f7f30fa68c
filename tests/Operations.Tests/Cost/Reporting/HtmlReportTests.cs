// The page as a person gets it: in a real browser, on a telephone, in the dark, with the keyboard, and with names that were meant to be markup.
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Cost.Reporting;

public sealed class HtmlReportTests : IAsyncLifetime
{
    private const string Hostile = "<img src=x onerror=alert(1)>\"'&";

    private readonly CostScene _scene = new();
    private ChromeBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        if (ChromeBrowser.DriverPath is null) Assert.Skip("there is no chromedriver on this machine; eng/test.sh installs chromium-driver as root on Debian");
        _browser = await ChromeBrowser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _scene.Dispose();
    }

    [Fact]
    public async Task Page_ShowsChartsFiguresAndFindings_AsksForNothing_AndNamesAreText()
    {
        Uri page = await MakeAsync();
        await _browser.OpenAsync(page);

        string text = await _browser.VisibleTextAsync();
        foreach (string expected in (string[])["Cost of logging, 2026-11-01 to 2026-11-22", "By component, daily", "By cluster, daily", "2026-11 against its budgets",
            "Alert: loki in ops cost 13.00 USD in 2026-11-21, over the daily limit of 10.00.", "says nothing of 2026-11-22", "rows could not be read"])
            Assert.Contains(expected, text, StringComparison.Ordinal);
        // 21 days of two components, in each of the two stacks; one day of which nothing is known.
        Assert.Equal("42", await _browser.TextAsync("return document.querySelectorAll('section[aria-labelledby=component] rect[class^=c]').length"));
        Assert.Equal("1", await _browser.TextAsync("return document.querySelectorAll('section[aria-labelledby=component] rect[fill^=url]').length"));
        Assert.Equal("true", await _browser.TextAsync("const a = [...document.querySelectorAll('section[aria-labelledby=component] rect.c0')].map(r => +r.getAttribute('height')); return a[20] > a[0] && a.every(h => h > 0)"));
        Assert.Equal("1", await _browser.TextAsync("return document.querySelectorAll('polyline.spent').length"));
        Assert.Equal("0", await _browser.TextAsync("return document.querySelectorAll('img, script, link, iframe, [onerror]').length"));
        Assert.Equal("true", await _browser.TextAsync("document.querySelectorAll('details').forEach(d => d.open = true); return document.body.innerText.includes('<img src=x onerror=alert(1)>')"));
        Assert.Equal([page], (await _browser.RequestedAsync()).Distinct());
        Assert.Empty(await _browser.ConsoleAsync());
    }

    [Fact]
    public async Task Page_FitsATelephone_InTheDark_AndTheKeyboardOpensItsTables()
    {
        await _browser.ResizeAsync(320, 640);
        await _browser.PreferAsync("dark");
        await _browser.OpenAsync(await MakeAsync());

        Assert.Equal("true", await _browser.TextAsync("return document.documentElement.scrollWidth <= 320"));
        Assert.Equal("rgb(20, 23, 27)", await _browser.TextAsync("return getComputedStyle(document.body).backgroundColor"));
        await _browser.PressAsync(ChromeBrowser.Tab);
        Assert.Equal("SUMMARY", await _browser.TextAsync("return document.activeElement.tagName"));
        Assert.NotEqual("none", await _browser.TextAsync("return getComputedStyle(document.activeElement).outlineStyle"));
        await _browser.PressAsync(ChromeBrowser.Enter);
        Assert.Equal("true", await _browser.TextAsync("return document.activeElement.parentElement.open"));
        await _browser.PressAsync(ChromeBrowser.Tab);
        Assert.Equal("region", await _browser.TextAsync("return document.activeElement.getAttribute('role')"));
        Assert.Equal("true", await _browser.TextAsync("document.querySelectorAll('details').forEach(d => d.open = true); return document.documentElement.scrollWidth <= 320"));
    }

    private async Task<Uri> MakeAsync()
    {
        string bill = _scene.Focus([
            .. Enumerable.Range(1, 21).SelectMany(static day => (FocusRow[])[FocusRow.On(day, day == 21 ? "13.00" : "6.50"), FocusRow.On(day, "2.00", "shipper", "prod")]),
            FocusRow.On(21, "x"), FocusRow.On(20, "0", Hostile, "mars"),
        ]);
        string rules = _scene.Write("cost.yaml", "thresholds: [{component: loki, cluster: ops, period: daily, limit: 10}]\nbudgets: [{component: loki, monthly: 150}]\n");
        string path = Path.Combine(_scene.Path, "report.html");
        (int code, string output, string errors) = await _scene.ReportAsync("--source", bill, "--rules", rules, "--format", "html", "--output", path, "--from", "2026-11-01");
        Assert.True(code == 2 && output.Length == 0, errors);
        return new Uri(path);
    }
}
