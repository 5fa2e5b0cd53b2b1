#!/usr/bin/env bash
# Lets Schemathesis ask the API what its description allows and what it does not: no answer may be an error of the server
# or break the description. Uses the netnew that the tests built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./scripts/setup.sh
. ./scripts/python.sh

venv="$CARGO_TARGET_DIR/api-check"
if ! "$venv/bin/schemathesis" --version >/dev/null 2>&1; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet 'schemathesis>=4.32,<5'
fi
cargo build --quiet -p netnew
log="$(mktemp)"
"$CARGO_TARGET_DIR/debug/netnew" demo --customers 40 --no-open --port 0 >/dev/null 2>"$log" &
server=$!
trap 'kill $server 2>/dev/null || true; rm -f "$log"' EXIT
for _ in $(seq 600); do
  url="$(sed -n 's/^Its pages: \(http:[^ ]*\).*/\1/p' "$log")"
  [ -n "$url" ] && break
  kill -0 $server || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
"$venv/bin/schemathesis" run "$url/api/v1/openapi.json" --no-color --seed 1 --max-examples "${NETNEW_API_EXAMPLES:-5}" \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
