#!/usr/bin/env bash
# Opens every page of a served book in a real browser (tests/browser). Chromium comes from the system; Playwright and axe are
# installed beside the build, not into the working copy. Arguments go to Playwright.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./scripts/setup.sh
. ./scripts/chromium.sh

cargo build --quiet -p netnew
home="$CARGO_TARGET_DIR/browser-tests"
mkdir -p "$home"
# Nothing is left of what an earlier run copied, but what was installed stays while the lock file is the same.
find "$home" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name installed.lock -exec rm -rf {} +
cp -R tests/browser/. "$home"
rm -rf "$home/out"
cd "$home"
if ! cmp -s package-lock.json installed.lock; then
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent
  cp package-lock.json installed.lock
fi
NETNEW="$CARGO_TARGET_DIR/debug/netnew" NETNEW_CHROMIUM="$chromium" NETNEW_BROWSER_OUT="$home/out" npx playwright test "$@"
