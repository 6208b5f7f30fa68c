// A real browser for the pages that people look at: only it knows what is shown, what a content security policy forbids and where the focus goes. Driven over
// WebDriver's plain HTTP (https://www.w3.org/TR/webdriver2), which is a dozen requests and needs no package.
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LokiGateway.Testing;

/// <summary>Headless Chromium with a driver of its own. Disposing ends both.</summary>
public sealed class ChromeBrowser : IAsyncDisposable
{
    /// <summary>Keys of the keyboard, as WebDriver writes them.</summary>
    public const string Tab = "\uE004", Enter = "\uE007", Shift = "\uE008", Space = " ";

    private readonly ChildProcess _driver;
    private readonly HttpClient _http;
    private string _session = "";

    private ChromeBrowser(ChildProcess driver, int port)
    {
        _driver = driver;
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>Debian's packages chromium and chromium-driver, or another browser's in the PATH; null when there is none.</summary>
    public static string? DriverPath => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(static folder => Path.Combine(folder, "chromedriver")).FirstOrDefault(File.Exists);

    /// <summary>Starts driver and browser with an empty page.</summary>
    public static async Task<ChromeBrowser> StartAsync()
    {
        int port = FreePort.Next();
        var driver = ChildProcess.Start(DriverPath ?? throw new InvalidOperationException("no chromedriver in the PATH"), null, [$"--port={port}"]);
        var browser = new ChromeBrowser(driver, port);
        try
        {
            await driver.WaitLineAsync(static line => line.Contains("started successfully", StringComparison.Ordinal), "\"started successfully\"").ConfigureAwait(false);
            JsonNode? session = await browser.SendAsync(HttpMethod.Post, "/session", new JsonObject
            {
                ["capabilities"] = new JsonObject
                {
                    ["alwaysMatch"] = new JsonObject
                    {
                        ["goog:chromeOptions"] = new JsonObject
                        {
                            ["args"] = new JsonArray("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900"),
                        },
                        ["goog:loggingPrefs"] = new JsonObject { ["browser"] = "ALL", ["performance"] = "ALL" },
                    },
                },
            }).ConfigureAwait(false);
            browser._session = "/session/" + session!["sessionId"]!.GetValue<string>();
            return browser;
        }
        catch
        {
            await browser.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens a page and waits until it and its scripts are loaded.</summary>
    public Task OpenAsync(Uri page) => CommandAsync("/url", new JsonObject { ["url"] = page.ToString() });

    /// <summary>The body of a function; what it returns.</summary>
    public Task<JsonNode?> RunAsync(string script) => CommandAsync("/execute/sync", new JsonObject { ["script"] = script, ["args"] = new JsonArray() });

    /// <summary>As <see cref="RunAsync"/>, for a script that returns a text.</summary>
    public async Task<string> TextAsync(string script) => (await RunAsync(script).ConfigureAwait(false))?.ToString() ?? "";

    /// <summary>What a person can read on the page.</summary>
    public Task<string> VisibleTextAsync() => TextAsync("return document.body.innerText");

    /// <summary>Size of the screen in CSS pixels.</summary>
    public Task ResizeAsync(int width, int height) => DevToolsAsync("Emulation.setDeviceMetricsOverride",
        new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 700 });

    /// <summary>What the person prefers.</summary>
    public Task PreferAsync(string colorScheme) => DevToolsAsync("Emulation.setEmulatedMedia", new JsonObject
    {
        ["features"] = new JsonArray(
            new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = colorScheme },
            new JsonObject { ["name"] = "prefers-reduced-motion", ["value"] = "reduce" }),
    });

    /// <summary>Presses and releases keys, one after the other, wherever the focus is.</summary>
    public Task PressAsync(params ReadOnlySpan<string> keys)
    {
        var actions = new JsonArray();
        foreach (string key in keys)
        {
            actions.Add(new JsonObject { ["type"] = "keyDown", ["value"] = key });
            actions.Add(new JsonObject { ["type"] = "keyUp", ["value"] = key });
        }

        return CommandAsync("/actions", new JsonObject
        {
            ["actions"] = new JsonArray(new JsonObject { ["type"] = "key", ["id"] = "keyboard", ["actions"] = actions }),
        });
    }

    /// <summary>The whole page as a PNG.</summary>
    public async Task<byte[]> ScreenshotAsync()
    {
        JsonNode? taken = await DevToolsAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png", ["captureBeyondViewport"] = true }).ConfigureAwait(false);
        return Convert.FromBase64String(taken!["data"]!.GetValue<string>());
    }

    /// <summary>Lines of the console since they were asked for last: errors, warnings, violations of the policy.</summary>
    public async Task<IReadOnlyList<string>> ConsoleAsync() =>
        [.. (await LogAsync("browser").ConfigureAwait(false)).Select(static line => $"{line!["level"]} {line["message"]}")];

    /// <summary>Every address that was asked for since this was asked last.</summary>
    public async Task<IReadOnlyList<Uri>> RequestedAsync() =>
    [
        .. (await LogAsync("performance").ConfigureAwait(false))
            .Select(static line => JsonNode.Parse(line!["message"]!.GetValue<string>())!["message"]!)
            .Where(static line => line["method"]!.GetValue<string>() == "Network.requestWillBeSent")
            .Select(static line => new Uri(line["params"]!["request"]!["url"]!.GetValue<string>())),
    ];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_session.Length > 0) await SendAsync(HttpMethod.Delete, _session, null).ConfigureAwait(false);
        }
        catch (HttpRequestException)
        {
            // The driver is gone, and the browser with it.
        }
        finally
        {
            _http.Dispose();
            await _driver.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<JsonArray> LogAsync(string type) => (await CommandAsync("/se/log", new JsonObject { ["type"] = type }).ConfigureAwait(false))!.AsArray();

    private Task<JsonNode?> DevToolsAsync(string command, JsonObject parameters) =>
        CommandAsync("/goog/cdp/execute", new JsonObject { ["cmd"] = command, ["params"] = parameters });

    private Task<JsonNode?> CommandAsync(string path, JsonObject body) => SendAsync(HttpMethod.Post, _session + path, body);

    private async Task<JsonNode?> SendAsync(HttpMethod method, string path, JsonObject? body)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _http.SendAsync(request).ConfigureAwait(false);
        JsonNode? value = (await answer.Content.ReadFromJsonAsync<JsonNode>(JsonSerializerOptions.Web).ConfigureAwait(false))?["value"];
        // The driver's own words say which command failed and why; its stack trace says nothing.
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{method} {path}: {value?["error"]}: {value?["message"]}");
        return value;
    }
}
