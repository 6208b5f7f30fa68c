# syntax=docker/dockerfile:1.10
# loki-gateway, the door to Loki: one native binary, no shell, no package manager, a user without rights. It writes nowhere: it runs under Pod
# Security "restricted" with a read-only root file system and without a volume for temporary files.
#
# make images builds it; by hand, from the repository's root:
#   docker buildx build -f deploy/docker/gateway.Dockerfile --build-arg VERSION=0.1.0 --sbom=true --provenance=mode=max -t loki-gateway:0.1.0 .
#
# Both stages are Ubuntu 24.04 on purpose: a binary needs the C library that it was linked with, or a later one. The build runs on the platform
# that it builds for; crossing needs the other platform's linker and libraries, which the SDK's image does not hold.
ARG SDK_TAG=10.0.401-noble-aot
ARG SDK_DIGEST=
ARG BASE_TAG=10.0.12-noble-chiseled
ARG BASE_DIGEST=

FROM mcr.microsoft.com/dotnet/sdk:${SDK_TAG}${SDK_DIGEST:+@${SDK_DIGEST}} AS build
ARG TARGETARCH
ENV CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /work
COPY .editorconfig BannedSymbols.txt Directory.Build.props Directory.Build.targets Directory.Packages.props global.json nuget.config ./
COPY src/Protocol/Protocol.csproj src/Protocol/packages.lock.json src/Protocol/
COPY src/Hosting/Hosting.csproj src/Hosting/packages.lock.json src/Hosting/
COPY src/Gateway/Gateway.csproj src/Gateway/packages.lock.json src/Gateway/
# Only what the lock files say, and a layer of its own: it is made again when a package changes, not when a line of code does.
RUN --mount=type=cache,target=/root/.nuget/packages,sharing=locked \
    dotnet restore src/Gateway --locked-mode
COPY src/Protocol src/Protocol
COPY src/Hosting src/Hosting
COPY src/Gateway src/Gateway
COPY eng/sbom.sh eng/
ARG VERSION=0.0.0
ARG REVISION=unknown
# A warning of the ahead-of-time compiler means that something may fail only at run time, on somebody's node: warnings are errors here.
RUN --mount=type=cache,target=/root/.nuget/packages,sharing=locked \
    rid="linux-$(echo "${TARGETARCH:-amd64}" | sed s/amd64/x64/)" \
    && dotnet publish src/Gateway -c Release -r "$rid" --no-restore -o /out -p:Version="$VERSION" -p:SourceRevisionId="$REVISION" -warnaserror \
    && eng/sbom.sh src/Gateway "$rid" loki-gateway "$VERSION" >/out/loki-gateway.cdx.json

FROM mcr.microsoft.com/dotnet/runtime-deps:${BASE_TAG}${BASE_DIGEST:+@${BASE_DIGEST}}
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=
ARG BASE_TAG
LABEL org.opencontainers.image.title="loki-gateway" \
      org.opencontainers.image.description="Ingestion gateway for Grafana Loki: tenant, limits, verbatim forwarding" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="mcr.microsoft.com/dotnet/runtime-deps:$BASE_TAG"
COPY --from=build /out/loki-gateway.cdx.json /usr/share/sbom/loki-gateway.cdx.json
COPY LICENSE /usr/share/licenses/loki-gateway/LICENSE
COPY --from=build --chmod=0555 /out/loki-gateway /usr/local/bin/loki-gateway
# .NET looks for the user's own certificates below its home, and no TLS connection is made where it finds none: not every runtime sets HOME for
# a user that stands in no /etc/passwd. Nothing is ever written there.
ENV HOME=/nonexistent
# A number, so that runAsNonRoot can be checked without reading /etc/passwd; the one that the charts set.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/loki-gateway"]
