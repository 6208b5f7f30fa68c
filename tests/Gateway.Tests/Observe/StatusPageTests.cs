// The status page in a real browser: what a person reads, what keyboard and screen reader get, and that nothing which others have named becomes markup.
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Observe;

/// <summary>A fresh browser for each test: consoles and requests of one are not those of another.</summary>
public sealed class StatusPageTests : IAsyncLifetime
{
    /// <summary>A tag, a colour and what is behind a text, from the ground up; https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.</summary>
    private const string PoorContrasts = """
        const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
        const parse = text => { const c = text.match(/[\d.]+/g).map(Number); return c.length === 3 ? [...c, 1] : c; };
        const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
        const behind = element => {
          if (!element) return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
          const own = parse(getComputedStyle(element).backgroundColor);
          return own[3] === 1 ? own : over(own, behind(element.parentElement));
        };
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const poor = [];
        let texts = 0;
        while (walker.nextNode()) {
          const element = walker.currentNode.parentElement;
          if (!walker.currentNode.data.trim() || element.closest('.unseen, .skip, noscript')) continue;
          if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
          texts++;
          const ground = behind(element), ink = over(parse(getComputedStyle(element).color), ground);
          const [a, b] = [light(ink), light(ground)];
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)} ${getComputedStyle(element).color} on ${ground}`);
        }
        if (texts < 100) poor.push(`only ${texts} texts were found`);
        return poor.join('\n');
        """;

    private const string Errors = "return [...document.querySelectorAll('img, script:not([src]), [onerror]')].length";

    private ChromeBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        if (ChromeBrowser.DriverPath is null) Assert.Skip("there is no chromedriver on this machine; eng/test.sh installs chromium-driver as root on Debian");
        _browser = await ChromeBrowser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
    }

    [Fact]
    public async Task Trouble_IsToldByName_HostileNamesAreText_AndNothingElseIsAskedFor()
    {
        await using StatusScene scene = await StatusScene.InTroubleAsync();
        await OpenAsync(scene);
        string text = await _browser.VisibleTextAsync();
        // The answer first, then the evidence.
        Assert.StartsWith("Lines are lost or not taken", await HeadlineAsync(), StringComparison.Ordinal);
        foreach (string expected in (string[])
        [
            "Tenant dev:", "refused in the last", "rate_limited", "Tenant checkout:", "stream_limit", "It has 8 active streams, its limit here is 8",
            "90 lines were forwarded and not acknowledged", "at least 2 live replicas required", "shop/db-0/postgres", "node-b", "5 lost", "1 node is silent.", "node-d",
            "will delete unread lines in 40 min", "push 401", "deleted_before_read", StatusScene.HostileTenant,
        ])
        {
            Assert.Contains(expected, text, StringComparison.Ordinal);
        }

        string rows = await _browser.TextAsync("return [...document.querySelectorAll('#tenants-table tbody th')].map(cell => cell.textContent).join(' ')");
        Assert.Equal($"dev billing checkout ops {StatusScene.HostileTenant}", rows);

        // As text, with what would turn the line around made visible.
        Assert.Contains("<img src=x onerror=alert(1)>/\\u202egnp.exe/'\"&amp;", text, StringComparison.Ordinal);
        Assert.Contains(StatusScene.HostileNode, text, StringComparison.Ordinal);
        Assert.Equal("0", await _browser.TextAsync(Errors));
        Assert.DoesNotContain('\u202e', text);

        await Eventually.TrueAsync(async () => (await RequestsOfStatusAsync()) >= 2, "the page asks again by itself");
        Assert.Equal([], await _browser.ConsoleAsync());

        async Task<int> RequestsOfStatusAsync()
        {
            IReadOnlyList<Uri> requested = await _browser.RequestedAsync();
            Assert.All(requested, address => Assert.True(address.Authority == scene.Admin.Authority || address.Scheme is "data" or "chrome", address.ToString()));
            return _asked += requested.Count(static address => address.AbsolutePath == "/api/v1/status");
        }
    }

    private int _asked;

    [Theory]
    [InlineData(1280, "light")]
    [InlineData(1280, "dark")]
    [InlineData(360, "light")]
    [InlineData(320, "dark")]
    public async Task Page_FitsAndCanBeRead(int width, string colors)
    {
        await using StatusScene scene = await StatusScene.InTroubleAsync();
        await _browser.ResizeAsync(width, 740);
        await _browser.PreferAsync(colors);
        await OpenAsync(scene);
        await KeepScreenshotAsync($"trouble-{width}-{colors}");
        Assert.Equal("", await _browser.TextAsync(PoorContrasts));
        Assert.Equal("", await _browser.TextAsync("""
            const wide = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 && one.checkVisibility())
              .map(one => `${one.tagName} ${one.id || one.className} ${one.textContent.slice(0, 30)}`);
            return document.documentElement.scrollWidth > innerWidth || wide.length > 0 ? `${document.documentElement.scrollWidth}: ${wide.join('; ')}` : '';
            """));
        // A light page in the dark, or the other way around, would pass the contrasts.
        bool isDark = (await _browser.TextAsync("return getComputedStyle(document.body).backgroundColor")).Split('(', ',')[1] is var red && int.Parse(red) < 128;
        Assert.Equal(colors == "dark", isDark);
    }

    [Fact]
    public async Task Keyboard_ReachesEveryControl_AndOpensByEnter_AndFocusStaysOverARefresh()
    {
        await using StatusScene scene = await StatusScene.InTroubleAsync();
        await OpenAsync(scene);
        List<string> reached = [];
        for (int tabs = 0; tabs < 200; tabs++)
        {
            await _browser.PressAsync(ChromeBrowser.Tab);
            string at = await _browser.TextAsync("const at = document.activeElement; return at === document.body ? '' : `${at.tagName} ${at.id} ${at.textContent}`");
            if (at.Length == 0) break;
            Assert.NotEqual("none", await _browser.TextAsync("return getComputedStyle(document.activeElement).outlineStyle"));
            reached.Add(at);
        }

        int controls = int.Parse(await _browser.TextAsync("return [...document.querySelectorAll('a[href], button')].filter(one => one.checkVisibility()).length"));
        Assert.Equal(controls, reached.Count);
        Assert.Equal("A  Skip to what is wrong now", reached[0]);
        Assert.Contains("BUTTON pause Pause", reached);

        // The tenant's reasons are folded away; Enter shows them, and a refresh leaves both the focus and the fold alone.
        await _browser.RunAsync("[...document.querySelectorAll('#tenants-table .open')].find(one => one.textContent === 'dev').focus()");
        Assert.Equal("false", await ExpandedAsync());
        await _browser.PressAsync(ChromeBrowser.Enter);
        Assert.Equal("true", await ExpandedAsync());
        Assert.Contains("since the tenant was first heard of", await DetailAsync(), StringComparison.Ordinal);
        await scene.PushAsync("dev", """{app="loop"}""", lines: 100, bytes: 2000);
        scene.Time.Advance(TimeSpan.FromSeconds(1));
        string before = await DetailAsync();
        await Eventually.TrueAsync(async () => await DetailAsync() != before, "the refresh shows the push");
        Assert.Equal("true", await ExpandedAsync());
        await _browser.PressAsync(ChromeBrowser.Enter);
        Assert.Equal("false", await ExpandedAsync());

        // Sorting, by Space.
        await _browser.RunAsync("document.querySelector('#tenants-table thead button').focus()");
        await _browser.PressAsync(ChromeBrowser.Space);
        Assert.Equal("ascending", await _browser.TextAsync("return document.activeElement.parentElement.getAttribute('aria-sort')"));
        Assert.Equal(StatusScene.HostileTenant, await _browser.TextAsync("return document.querySelector('#tenants-table tbody th').textContent"));

        Task<string> ExpandedAsync() => _browser.TextAsync("return document.activeElement.getAttribute('aria-expanded')");
        Task<string> DetailAsync() => _browser.TextAsync("return document.getElementById(document.activeElement.getAttribute('aria-controls')).textContent");
    }

    [Fact]
    public async Task ScreenReader_HasLandmarksHeadingsAndTablesWithNames_AndIsNotToldEveryRefresh()
    {
        await using StatusScene scene = await StatusScene.InTroubleAsync();
        await OpenAsync(scene);
        Assert.Equal("", await _browser.TextAsync("""
            const faults = [];
            for (const one of ['header', 'main', 'footer', 'nav[aria-label]', 'h1']) if (document.querySelectorAll(one).length !== 1) faults.push(one);
            for (const section of document.querySelectorAll('section'))
              if (!document.getElementById(section.getAttribute('aria-labelledby'))?.textContent) faults.push('a section without a name');
            for (const table of document.querySelectorAll('table')) if (!table.caption?.textContent && !table.getAttribute('aria-label')) faults.push('a table without a name');
            for (const head of document.querySelectorAll('th')) if (!['col', 'row'].includes(head.scope)) faults.push('th without scope');
            for (const button of document.querySelectorAll('[aria-controls]')) if (!document.getElementById(button.getAttribute('aria-controls'))) faults.push('controls nothing');
            const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
            if (new Set(ids).size !== ids.length) faults.push('an id twice');
            if (document.querySelectorAll('[role=status], [aria-live], [role=alert]').length !== 1) faults.push('live regions');
            if (!document.documentElement.lang) faults.push('no language');
            return faults.join(', ');
            """));
        Assert.StartsWith("Lines are lost or not taken", await _browser.TextAsync("return document.getElementById('announce').textContent"), StringComparison.Ordinal);
        await _browser.RunAsync("""
            window.told = 0;
            new MutationObserver(() => window.told++).observe(document.getElementById('announce'), { childList: true, characterData: true, subtree: true });
            """);
        for (int refresh = 0; refresh < 3; refresh++)
        {
            string before = await FreshnessAsync();
            scene.Time.Advance(TimeSpan.FromSeconds(1));
            await _browser.RunAsync("document.getElementById('refresh').click()");
            await Eventually.TrueAsync(async () => await FreshnessAsync() != before, "newer figures are shown");
        }

        Assert.Equal("0", await _browser.TextAsync("return window.told"));

        Task<string> FreshnessAsync() => _browser.TextAsync("return document.getElementById('freshness').textContent.slice(0, 18)");
    }

    [Fact]
    public async Task GatewayThatDies_IsTold_WithTheAgeOfTheFigures_AndItsReturnIsSeen()
    {
        int port = FreePort.Next();
        StatusScene first = await StatusScene.InTroubleAsync(port);
        try
        {
            await OpenAsync(first);
            Assert.Equal("true", await _browser.TextAsync("return document.getElementById('stale').hidden"));
        }
        finally
        {
            await first.DisposeAsync();
        }

        const string told = "The gateway cannot be reached: no connection.";
        await Eventually.TrueAsync(async () => (await _browser.VisibleTextAsync()).Contains(told, StringComparison.Ordinal), "the page says so");
        string text = await _browser.VisibleTextAsync();
        Assert.Matches("What you see is .* old, of [0-9:]{8} UTC. Trying again every 5 seconds.", text);
        Assert.Contains("shop/db-0/postgres", text, StringComparison.Ordinal);
        Assert.Equal("The gateway cannot be reached. The figures are old.", await _browser.TextAsync("return document.getElementById('announce').textContent"));
        Assert.Equal("", await _browser.TextAsync(PoorContrasts));
        await KeepScreenshotAsync("stale");

        await using StatusScene second = await StatusScene.StartAsync(adminPort: port);
        await Eventually.TrueAsync(async () => await _browser.TextAsync("return String(document.getElementById('stale').hidden)") == "true", "it is seen again");
        Assert.DoesNotContain("shop/db-0/postgres", await _browser.VisibleTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NewGateway_SaysWhatToDo_AndATabInTheBackgroundOrPausedAsksForNothing()
    {
        await using StatusScene scene = await StatusScene.StartAsync("overrides: {}");
        await OpenAsync(scene);
        await KeepScreenshotAsync("empty");
        string text = await _browser.VisibleTextAsync();
        Assert.Contains("No agent has pushed and no shipper has reported", text, StringComparison.Ordinal);
        Assert.Contains("/loki/api/v1/push", text, StringComparison.Ordinal);
        Assert.Equal("Nothing is refused; nothing has come in the last minute", await HeadlineAsync());

        // Time as the page sees it: five seconds are over at once, so that what is not asked for can be counted.
        await _browser.RunAsync("""
            window.asked = 0;
            const real = window.fetch;
            window.fetch = (...all) => { window.asked++; return real(...all); };
            window.due = [];
            window.setTimeout = (work, ms) => { window.due.push({ work, ms }); return window.due.length; };
            window.clearTimeout = id => { if (id > 0 && window.due[id - 1]) window.due[id - 1].work = null; };
            Object.defineProperty(document, 'hidden', { get: () => window.away === true, configurable: true });
            document.getElementById('refresh').click();
            """);
        await Eventually.TrueAsync(async () => await DueAsync() == 1, "the next refresh is due");
        await _browser.RunAsync("window.away = true; document.dispatchEvent(new Event('visibilitychange'))");
        Assert.Equal(0, await DueAsync());
        await _browser.RunAsync("window.away = false; document.dispatchEvent(new Event('visibilitychange'))");
        await Eventually.TrueAsync(async () => await DueAsync() == 1, "back in front it goes on");
        Assert.Equal("2", await _browser.TextAsync("return window.asked"));
        await _browser.RunAsync("document.getElementById('pause').click()");
        Assert.Equal(0, await DueAsync());
        Assert.Equal("true", await _browser.TextAsync("return document.getElementById('pause').getAttribute('aria-pressed')"));
        Assert.StartsWith("Paused, ", await _browser.TextAsync("return document.getElementById('freshness').textContent"), StringComparison.Ordinal);

        async Task<int> DueAsync() => int.Parse(await _browser.TextAsync("return window.due.filter(one => one.work && one.ms === 5000).length"));
    }

    private async Task OpenAsync(StatusScene scene)
    {
        await _browser.OpenAsync(scene.Admin);
        await Eventually.TrueAsync(async () => (await _browser.TextAsync("return document.getElementById('freshness').textContent")).StartsWith("Live", StringComparison.Ordinal),
            "the first figures are shown");
    }

    private Task<string> HeadlineAsync() => _browser.TextAsync("return document.getElementById('headline').textContent");

    /// <summary>For a person's eyes: STATUS_SCREENSHOTS names a folder.</summary>
    private async Task KeepScreenshotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("STATUS_SCREENSHOTS") is { Length: > 0 } folder)
            await File.WriteAllBytesAsync(Path.Combine(folder, name + ".png"), await _browser.ScreenshotAsync());
    }
}
