#!/usr/bin/env bash
# A CycloneDX 1.5 list of what a program is made of, out of its lock file: a scanner sees one native binary and can find no package in it.
# The version and content hash of each package are those that the locked restore has checked; what only the compiler needs is marked "excluded".
# usage: sbom.sh PROJECT_FOLDER RID NAME VERSION   (after a restore for that RID; JSON on stdout)
set -euo pipefail
cd "$(dirname "$0")/.."
project=$1 rid=$2 name=$3 version=$4
lock=$project/packages.lock.json
assets=$project/obj/project.assets.json
[ -r "$lock" ] || { echo "sbom.sh: $lock is not there" >&2; exit 1; }
[ -r "$assets" ] || { echo "sbom.sh: $assets is not there: run dotnet restore $project -r $rid first" >&2; exit 1; }

{
  # NuGet writes one value a line, two blanks a level: framework, then package, then its fields. Projects of this repository have no version.
  awk '
    /^    "net[^"]*": \{/      { split($0, q, "\""); framework = q[2]; next }
    /^      "[^"]+": \{/       { split($0, q, "\""); package = q[2]; resolved = ""; next }
    /^        "resolved": /    { split($0, q, "\""); resolved = q[4]; next }
    /^        "contentHash": / { split($0, q, "\""); if (framework !~ /\// || framework ~ "/" rid "$") print package "\t" resolved "\t" q[4] }
  ' rid="$rid" "$lock"
  # The runtime, ASP.NET Core and their host come beside the lock file: their versions are the SDKs, and it says them here.
  awk '
    /"downloadDependencies": \[/ { inside = 1 }
    inside && /"name": /         { split($0, q, "\""); package = q[4] }
    inside && /"version": /      {
      split($0, q, "\""); split(q[4], v, /[][, ]+/)
      if (package ~ "\\.Runtime\\.(NativeAOT\\.)?" rid "$" || package ~ "^runtime\\." rid "\\.") print package "\t" v[2] "\t"
    }
    inside && /\]$/              { inside = 0 }
  ' rid="$rid" "$assets"
} | LC_ALL=C sort -t $'\t' -k1,2 -k3r | awk -F '\t' -v name="$name" -v version="$version" -v rid="$rid" '
  BEGIN {
    printf "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.5\",\n  \"version\": 1,\n"
    printf "  \"metadata\": {\n    \"component\": {\n      \"type\": \"application\",\n"
    printf "      \"bom-ref\": \"%s\",\n      \"name\": \"%s\",\n      \"version\": \"%s\",\n", name, name, version
    printf "      \"licenses\": [{\"license\": {\"id\": \"Apache-2.0\"}}],\n"
    printf "      \"properties\": [{\"name\": \"dotnet:rid\", \"value\": \"%s\"}]\n    }\n  },\n  \"components\": [", rid
  }
  ($1, $2) in listed { next }
  {
    listed[$1, $2] = 1
    purl = "pkg:nuget/" $1 "@" $2
    # Tools of the build: nothing of them is in the binary. The ILCompiler package is: the runtime and the base library are linked out of it.
    scope = $1 ~ /Analyzers$|ILLink\.Tasks$|^Microsoft\.DotNet\.ILCompiler$|^Grpc\.Tools$/ ? "excluded" : "required"
    printf "%s\n    {\"type\": \"library\", \"bom-ref\": \"%s\", \"name\": \"%s\", ", (components++ > 0 ? "," : ""), purl, $1
    printf "\"version\": \"%s\", \"purl\": \"%s\", \"scope\": \"%s\"", $2, purl, scope
    if ($3 != "") printf ", \"properties\": [{\"name\": \"nuget:contentHash\", \"value\": \"%s\"}]", $3
    printf "}"
  }
  END { if (components == 0) { print "sbom.sh: no package was found" > "/dev/stderr"; exit 1 } printf "\n  ]\n}\n" }'
