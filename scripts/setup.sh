# What every build needs, installed if it is missing: a C compiler and make, for SQLite, zstd and jemalloc. Sourced by ./run and ./test.
# Build output goes outside the working copy, so that it survives a fresh clone; CARGO_TARGET_DIR overrides.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/netnew/target}"

if ! command -v cc >/dev/null 2>&1 || ! command -v make >/dev/null 2>&1; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: no C compiler, or no make" >&2
    echo "hint: install gcc or clang, and make, and try again" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev make
fi

if ! command -v cargo >/dev/null 2>&1; then
  echo "error: no Rust" >&2
  echo "hint: install Rust 1.95 or later with rustup and try again" >&2
  exit 1
fi
