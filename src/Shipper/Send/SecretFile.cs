// Files that somebody else rotates: tokens, passwords, keys. Read by content and not by time, because Kubernetes swaps a link above them, and with a bound,
// because a wrong path may lead to a log of gigabytes.
using System.Text;

namespace LokiGateway.Shipper.Send;

/// <summary>A small text file that may be wrong, missing or half written. Nothing of its content is ever part of a message.</summary>
internal static class SecretFile
{
    /// <summary>A bundle of all public authorities has 200 KiB; a token of more than 64 KiB would not go into a header.</summary>
    public const int CertificateBytesMax = 1 << 20;

    public const int TokenBytesMax = 64 << 10;

    /// <summary>How soon a changed file is noticed; a few reads a second of small files cost nothing.</summary>
    public static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    /// <summary>The text, or null and what is wrong with the file, in words.</summary>
    public static string? TryRead(string path, int bytesMax, out string trouble)
    {
        trouble = "";
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] bytes = new byte[Math.Min(file.Length, bytesMax) + 1];
            int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > bytesMax) trouble = $"is larger than {bytesMax} bytes";
            else if (length == bytes.Length) trouble = "is being written";
            else if (bytes.AsSpan(0, length).Trim(" \t\r\n"u8).IsEmpty) trouble = "is empty";
            return trouble.Length == 0 ? Encoding.UTF8.GetString(bytes, 0, length) : null;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            trouble = "there is no such file";
        }
        catch (UnauthorizedAccessException)
        {
            trouble = Directory.Exists(path) ? "is a directory" : $"may not be read by user {Environment.UserName}";
        }
        catch (IOException failure)
        {
            trouble = $"cannot be read: {failure.Message}";
        }
        return null;
    }
}
