// The names in a client's certificate, in the spellings that a credential's subject may have.
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace LokiGateway.Gateway.Authenticate;

internal static class CertificateNames
{
    private const string SubjectAlternativeName = "2.5.29.17";
    private const string CommonName = "2.5.4.3";

    // RFC 5280, 4.2.1.6: GeneralName ::= CHOICE { ... dNSName [2] IA5String, ... uniformResourceIdentifier [6] IA5String, ... }
    private static readonly Asn1Tag Dns = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

    /// <summary>
    /// Each name twice, with its kind (<c>URI:</c>, <c>DNS:</c>, <c>CN=</c>) and alone: URIs first, the common name last. Empty for a certificate that cannot be read.
    /// </summary>
    public static IEnumerable<string> Of(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        var hosts = new List<string>();
        string? commonName = null;
        try
        {
            foreach (X509Extension extension in certificate.Extensions)
            {
                if (extension.Oid?.Value == SubjectAlternativeName) ReadAlternatives(extension.RawData, uris, hosts);
            }

            commonName = ReadCommonName(certificate);
        }
        catch (Exception broken) when (broken is AsnContentException or System.Security.Cryptography.CryptographicException)
        {
            // Signed by the authority and still not readable: then it names nobody.
            return [];
        }

        return uris.SelectMany(static uri => (string[])["URI:" + uri, uri])
            .Concat(hosts.SelectMany(static host => (string[])["DNS:" + host, host]))
            .Concat(commonName is null ? [] : ["CN=" + commonName, commonName]);
    }

    private static void ReadAlternatives(byte[] extension, List<string> uris, List<string> hosts)
    {
        AsnReader names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            Asn1Tag tag = names.PeekTag();
            if (tag.HasSameClassAndValue(Uri)) uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, Uri));
            else if (tag.HasSameClassAndValue(Dns)) hosts.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, Dns));
            else names.ReadEncodedValue();
        }
    }

    /// <summary>Null when there is none, or several: it would depend on the reader which one counts.</summary>
    private static string? ReadCommonName(X509Certificate2 certificate)
    {
        string? found = null;
        foreach (X500RelativeDistinguishedName part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements || part.GetSingleElementType().Value != CommonName) continue;
            if (found is not null) return null;
            found = part.GetSingleElementValue();
        }

        return found;
    }
}
