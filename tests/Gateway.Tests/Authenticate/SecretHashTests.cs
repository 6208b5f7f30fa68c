// The text of a hash is a format that operators keep for years: what was made must match, what is damaged must not be taken for one.
using System.Text;
using LokiGateway.Gateway.Authenticate;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class SecretHashTests
{
    [Fact]
    public void KnownVector_Matches()
    {
        // Python: hashlib.pbkdf2_hmac("sha256", b"passwd", b"saltsalt", 10000).
        SecretHash hash = SecretHash.TryParse("pbkdf2-sha256$10000$c2FsdHNhbHQ=$X1gny5glAJnEPZRwO3EFZU1ZaJgbKyqpfDgz0/bdzOU=", out _)!;
        Assert.True(hash.Matches("passwd"u8));
        Assert.False(hash.Matches("passwd "u8));
        Assert.False(hash.Matches([]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Text_IsReadBackAsItIs(bool namesCredential)
    {
        byte[] secret = Encoding.UTF8.GetBytes("pässword");
        SecretHash made = SecretHash.Create(secret, SecretHash.IterationsMin, namesCredential);
        SecretHash read = SecretHash.TryParse(made.ToString(), out _)!;
        Assert.True(read.Matches(secret));
        Assert.Equal(namesCredential, read.NamesCredential);
        Assert.Equal(made.ToString(), read.ToString());
        Assert.NotEqual(made.ToString(), SecretHash.Create(secret, SecretHash.IterationsMin, namesCredential).ToString());
    }

    [Fact]
    public void EveryTruncation_IsRefused_OrDoesNotMatch()
    {
        string text = SecretHash.Create("secret"u8, SecretHash.IterationsMin).ToString();
        for (int length = 0; length < text.Length; length++) Assert.Null(SecretHash.TryParse(text[..length], out _));
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("$2y$10$abcdefghijklmnopqrstuuQnCZPxPYBz3n3lp5gmIqz8jGpU0Z6Ry")]
    [InlineData("pbkdf2-sha256$9999$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("pbkdf2-sha256$10000001$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("pbkdf2-sha256$-1$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("pbkdf2-sha256$10000$c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("pbkdf2-sha256$10000$c2FsdHNhbHQ=$AAAA")]
    [InlineData("pbkdf2-sha512$10000$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("pbkdf2-sha256$10000$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$x")]
    public void WhatIsNoHash_IsRefused_WithoutBeingQuoted(string text)
    {
        Assert.Null(SecretHash.TryParse(text, out string error));
        Assert.NotEmpty(error);
        Assert.DoesNotContain(text, error, StringComparison.Ordinal);
    }
}
