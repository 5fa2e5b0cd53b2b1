# Clients that the tests of `netnew sql --serve-pg` drive: psql and Python's psycopg, installed if they are missing.
# Sourced after scripts/setup.sh.
if ! command -v psql >/dev/null 2>&1 || ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: no psql, or no Python 3 with venv" >&2
    echo "hint: install PostgreSQL's client and Python 3 and try again" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    postgresql-client python3 python3-venv
fi

# A virtual environment beside the build output, so that nothing of the system's Python changes.
export NETNEW_TEST_PYTHON="$CARGO_TARGET_DIR/pg-clients/bin/python3"
if ! "$NETNEW_TEST_PYTHON" -c 'import psycopg' >/dev/null 2>&1; then
  python3 -m venv "$CARGO_TARGET_DIR/pg-clients"
  "$NETNEW_TEST_PYTHON" -m pip install --quiet 'psycopg[binary]>=3.2,<4'
fi
