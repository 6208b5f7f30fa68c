// Every test that touches files has a directory of its own, gone afterwards, so that tests can run in any order and leave nothing behind.
namespace LokiGateway.Testing;

/// <summary>A fresh directory, deleted with everything in it on dispose.</summary>
public sealed class TempDirectory : IDisposable
{
    /// <summary>Makes the directory under the system's temporary directory; <paramref name="purpose"/> is part of its name.</summary>
    public TempDirectory(string purpose = "test") => Path = Directory.CreateTempSubdirectory($"lokigateway-{purpose}-").FullName;

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Path of something inside; the parents are made, the file is not.</summary>
    public string File(params ReadOnlySpan<string> parts)
    {
        var path = System.IO.Path.Combine([Path, .. parts]);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Makes and returns a directory inside.</summary>
    public string Folder(params ReadOnlySpan<string> parts) => Directory.CreateDirectory(System.IO.Path.Combine([Path, .. parts])).FullName;

    /// <summary>Writes a text file inside and returns its path.</summary>
    public string Write(string name, string text)
    {
        var path = File(name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A process that was just killed may still be creating a file here: try again rather than fail a test that passed.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException) when (attempt < 4)
            {
                Thread.Sleep(20);
            }
        }
    }
}
