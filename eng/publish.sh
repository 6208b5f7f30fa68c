#!/usr/bin/env bash
# Publishes each program as one native binary. A warning of the ahead-of-time compiler means that something may fail only at run time,
# on somebody's node: it is an error here.
# usage: publish.sh RID Project:program...
set -euo pipefail
cd "$(dirname "$0")/.."
rid=$1
shift
mkdir -p artifacts/publish
for pair in "$@"; do
  project=${pair%%:*} program=${pair##*:}
  log=artifacts/publish/$program.log
  # The compiled object stays in obj/: with the same sources this is a copy.
  rm -rf "artifacts/publish/$program"
  echo "publishing $program"
  # As deploy/docker does it: only locked packages, for all platforms of the lock file, and no second restore for one of them.
  if ! { dotnet restore "src/$project" --locked-mode && dotnet publish "src/$project" -c Release -r "$rid" --no-restore -o "artifacts/publish/$program"; } \
    >"$log" 2>&1 </dev/null; then
    cat "$log"
    echo "publishing $program failed" >&2
    exit 1
  fi
  if grep -E 'warning (IL|AOT)' "$log"; then
    echo "$program has ahead-of-time warnings" >&2
    # Compiled again the next time, and not taken for good because nothing has changed since.
    rm -rf "artifacts/publish/$program" "src/$project/obj/Release/net10.0/$rid/native"
    exit 1
  fi
  ls -l "artifacts/publish/$program/$program"
done
