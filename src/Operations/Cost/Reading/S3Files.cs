// Lists and opens the objects below an S3 location. A download that breaks off is taken up at the byte where it stopped, and only of the very same object: a bill that is
// replaced while it is read would give rows of both.
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using LokiGateway.Operations.ObjectStorage;
using S3Location = LokiGateway.Operations.ObjectStorage.S3Location;

namespace LokiGateway.Operations.Cost.Reading;

internal static class S3Files
{
    // An export has a handful of files a month; more than this is a prefix that holds something else, such as Loki's chunks.
    private const int ObjectsMax = 100_000;

    public static async Task<List<CostFile>> ListAsync(IAmazonS3 s3, S3Location location, CancellationToken ct)
    {
        var files = new List<CostFile>();
        var request = new ListObjectsV2Request { BucketName = location.Bucket, Prefix = location.Prefix };
        try
        {
            ListObjectsV2Response page;
            do
            {
                page = await s3.ListObjectsV2Async(request, ct);
                foreach (S3Object found in page.S3Objects ?? [])
                {
                    if (files.Count == ObjectsMax) throw new CostException($"{location}: has more than {ObjectsMax} objects; name the export's own prefix");
                    string key = found.Key, tag = found.ETag;
                    DateTime written = DateTime.SpecifyKind((found.LastModified ?? DateTime.UnixEpoch).ToUniversalTime(), DateTimeKind.Utc);
                    string name = location.UrlOf(key);
                    files.Add(new CostFile(name, key, found.Size ?? 0, new DateTimeOffset(written),
                        token => Task.FromResult<Stream>(new ResumedObject(s3, location.Bucket, key, tag, name, token))));
                }

                request.ContinuationToken = page.NextContinuationToken;
            }
            while (page.IsTruncated == true);
        }
        catch (Exception failure) when (S3Failures.IsExpected(failure) && !ct.IsCancellationRequested)
        {
            throw new CostException(S3Failures.Explain(failure, location.ToString(), "s3:ListBucket"), failure);
        }

        return files;
    }

    private sealed class ResumedObject(IAmazonS3 s3, string bucket, string key, string tag, string name, CancellationToken ct) : Stream
    {
        // In a row, without a byte in between: beyond it the way is closed.
        private const int AttemptsMax = 4;

        private GetObjectResponse? _answer;
        private long _position;
        private long _length = -1;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    if (_position == _length) return 0;
                    _answer ??= await OpenAsync(cancellationToken);
                    int read = await _answer.ResponseStream.ReadAsync(buffer, cancellationToken);
                    if (read == 0 && _position < _length && buffer.Length > 0) throw new IOException($"ended after {_position} of {_length} bytes");
                    _position += read;
                    return read;
                }
                catch (AmazonS3Exception changed) when (changed.StatusCode == HttpStatusCode.PreconditionFailed)
                {
                    throw new CostException($"{name}: was replaced while it was read; make the report again", changed);
                }
                catch (Exception broken) when (S3Failures.IsExpected(broken) && !cancellationToken.IsCancellationRequested)
                {
                    _answer?.Dispose();
                    _answer = null;
                    // What S3 answers, the SDK has asked for several times already; a stream that breaks off is ours to take up.
                    if (broken is Amazon.Runtime.AmazonServiceException || attempt == AttemptsMax)
                        throw new CostException(S3Failures.Explain(broken, name, "s3:GetObject"), broken);
                }
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count), ct).AsTask().GetAwaiter().GetResult();

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _answer?.Dispose();
            base.Dispose(disposing);
        }

        private async Task<GetObjectResponse> OpenAsync(CancellationToken cancellationToken)
        {
            var request = new GetObjectRequest { BucketName = bucket, Key = key, EtagToMatch = tag };
            if (_position > 0) request.ByteRange = new ByteRange($"bytes={_position}-");
            GetObjectResponse answer = await s3.GetObjectAsync(request, cancellationToken);
            if (_length < 0) _length = answer.ContentLength;
            return answer;
        }
    }
}
