# A real mail server for tests: aiosmtpd in a Python of its own, fetched once. Sourced after scripts/setup.sh; sets
# NETNEW_MAIL_PYTHON, without which the tests that need it say so and pass over.
. ./scripts/python.sh
mail_venv="$CARGO_TARGET_DIR/mail"
if ! "$mail_venv/bin/python" -c 'import aiosmtpd' >/dev/null 2>&1; then
  python3 -m venv "$mail_venv"
  "$mail_venv/bin/pip" install --quiet 'aiosmtpd>=1.4,<2'
fi
export NETNEW_MAIL_PYTHON="$mail_venv/bin/python"
