#!/usr/bin/env bash
# Everything that must hold before a change is taken, in the order in which it is cheap to fail. The last line sums up all suites:
# "N passed, N failed, N skipped". Exit code 0 only if everything held and nothing was skipped silently.
set -uo pipefail
cd "$(dirname "$0")/.."

fail() { # fail WHY: what broke before any test ran counts as one failure
  printf '%s\n' "$1" >&2
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

# logrotate: tests run the real one against followed files. libfaketime: a node whose clock is stepped. redis-server: tests start their own, the
# package's service is never started. chromium: the status page, as a person sees it. clang: the native binaries, which run in the file systems of
# their images.
needed=()
command -v logrotate >/dev/null 2>&1 || needed+=(logrotate)
command -v redis-server >/dev/null 2>&1 || needed+=(redis-server)
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || needed+=(libfaketime)
command -v chromedriver >/dev/null 2>&1 || needed+=(chromium chromium-driver)
command -v clang >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || needed+=(clang zlib1g-dev)
if [ ${#needed[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  # Where nothing says so yet: 101 forbids a package to start its service.
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then policy=""; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${needed[@]}") >/dev/null 2>&1 </dev/null \
    || { [ -z "$policy" ] || rm -f "$policy"; fail "${needed[*]}: needed by the tests and could not be installed"; }
  [ -z "$policy" ] || rm -f "$policy"
fi

# What judges deploy/ is fetched while the code is built.
eng/deploy-tools.sh &
deploy_tools=$!

dotnet restore LokiGateway.sln --locked-mode || fail "restore failed: a packages.lock.json does not match its project"
dotnet build LokiGateway.sln -c Release --no-restore || fail "the build failed (warnings are errors)"
dotnet format LokiGateway.sln whitespace --verify-no-changes --no-restore || fail "the format check failed: run make format"

results=artifacts/test-results
rm -rf "$results"
mkdir -p "$results"

# The native binaries are made while the first suites run; Deploy.Tests, which runs them, waits. Warnings of the ahead-of-time compiler fail the run as
# a failed test does: the suites say more, so they run all the same. On a developer's machine without a C compiler they skip themselves; CI must
# have one.
published=""
if command -v clang >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || [ "${CI:-}" = true ]; then
  make --no-print-directory publish >artifacts/publish.log 2>&1 </dev/null &
  published=$!
else
  echo "publish: there is neither clang nor gcc: the tests of the native binaries will be skipped"
fi

code=0

suite() { # suite NAME: runs one, to its log
  # A test that hangs must be named, not waited for.
  timeout --kill-after=10 1200 "tests/$1/bin/Release/net10.0/LokiGateway.$1" --no-ansi --no-progress >"$results/$1.log" 2>&1 </dev/null
}

tell() { # tell NAME EXIT_CODE: what the suite came to
  echo "== $1"
  if [ "$2" -ne 0 ]; then
    code=1
    cat "$results/$1.log"
    [ "$2" -lt 124 ] || echo "$1 did not end by itself (exit code $2)"
  else
    tail -n 6 "$results/$1.log"
  fi
  # A suite without a summary crashed: one failure more, whatever it had passed before.
  grep -qE '^  total: ' "$results/$1.log" || echo "  failed: 1" >>"$results/$1.log"
}

for project in tests/*.Tests; do
  name=$(basename "$project")
  [ -x "$project/bin/Release/net10.0/LokiGateway.$name" ] || fail "$name was not built"
  case $name in Deploy.Tests | EndToEnd.Tests) continue ;; esac
  suite "$name"
  tell "$name" $?
done

wait "$deploy_tools"
unpublished=0
if [ -n "$published" ]; then
  wait "$published" || unpublished=1
  cat artifacts/publish.log
fi

# These two mostly wait for others: programs that are killed, tools that look at charts.
suite Deploy.Tests &
deploy=$!
suite EndToEnd.Tests
tell EndToEnd.Tests $?
wait "$deploy"
tell Deploy.Tests $?
[ "$unpublished" = 0 ] || code=1

# Once more at the end, where whoever sees only the last lines of a log finds them: which tests failed, and how.
if [ "$code" -ne 0 ]; then
  for log in "$results"/*.log; do
    awk -v suite="$(basename "$log" .log)" '/^failed / { print suite ": " $0; left = 12; next } left > 0 { print; left-- }' "$log"
  done
fi

sum() { awk -v key="$1:" '$1 == key && NF == 2 { total += $2 } END { print total + 0 }' "$results"/*.log; }
passed=$(sum succeeded) failed=$(($(sum failed) + unpublished)) skipped=$(sum skipped)
[ "$code" = 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
