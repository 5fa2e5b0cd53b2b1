#!/usr/bin/env bash
# Makes the pictures of the README anew: the made-up business, on a fixed day, in a real browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./scripts/setup.sh
. ./scripts/chromium.sh
./scripts/browser-tests.sh --list >/dev/null
cd "$CARGO_TARGET_DIR/browser-tests"
NETNEW="$CARGO_TARGET_DIR/debug/netnew" NETNEW_CHROMIUM="$chromium" NETNEW_PICTURES="$OLDPWD/docs/images" node screenshots.mjs
