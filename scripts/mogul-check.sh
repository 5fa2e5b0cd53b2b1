#!/usr/bin/env bash
# Drives `netnew serve` with the official Python and Node clients of ChartMogul's API, unchanged but for the base address;
# kills the server in between; compares the API's figures with those of `netnew mrr`. Uses the netnew that the tests built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./scripts/setup.sh
. ./scripts/python.sh

venv="$CARGO_TARGET_DIR/mogul-check"
if ! "$venv/bin/python3" -c 'import chartmogul' >/dev/null 2>&1; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet 'chartmogul==4.11.0'
fi
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm
fi
node="$CARGO_TARGET_DIR/mogul-check-node"
mkdir -p "$node"
cp scripts/mogul/package.json scripts/mogul/package-lock.json scripts/mogul/.npmrc "$node"
if ! cmp -s scripts/mogul/package-lock.json "$node/installed.json"; then
  (cd "$node" && npm ci --silent)
  cp scripts/mogul/package-lock.json "$node/installed.json"
fi
cargo build --quiet -p netnew
netnew="$CARGO_TARGET_DIR/debug/netnew"
work="$(mktemp -d)"
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

# Serves a book and sets `url`; the end of 2025 is now.
serve() {
  NETNEW_NOW=2025-12-31 "$netnew" --book "$1" serve --addr 127.0.0.1:0 >/dev/null 2>"$work/log" &
  server=$!
  for _ in $(seq 600); do
    url="$(sed -n 's/^Serving .* at \(http:[^ ]*\) .*/\1/p' "$work/log")"
    [ -z "$url" ] || return 0
    kill -0 "$server" || break
    sleep 0.1
  done
  cat "$work/log" >&2
  return 1
}

# Makes a book with a key of each scope: `write` and `read`.
book() {
  "$netnew" --book "$1" init --currency USD --timezone UTC >/dev/null 2>&1
  write="$("$netnew" --book "$1" keys create write --scope write 2>/dev/null)"
  read="$("$netnew" --book "$1" keys create read --scope read 2>/dev/null)"
}

book "$work/python"
serve "$work/python"
"$venv/bin/python3" -W ignore::DeprecationWarning scripts/mogul/client.py "$url" "$write" "$read"
kill -9 "$server"
wait "$server" 2>/dev/null || true
serve "$work/python"
"$venv/bin/python3" scripts/mogul/after.py "$url" "$write" "$netnew" "$work/python"
kill "$server"
wait "$server"

book "$work/node"
serve "$work/node"
NODE_PATH="$node/node_modules" node scripts/mogul/client.js "$url" "$write" "$read"
kill "$server"
wait "$server"
server=""
