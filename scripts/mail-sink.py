"""A mail server on this machine for tests: keeps every mail as a file and says what it is asked to say.

    mail-sink.py DIRECTORY [--refuse CODE] [--auth USER:PASSWORD]

Prints its port on the first line. Each mail is DIRECTORY/N.eml as it came over the wire, with N.json beside it: sender,
recipients. With --refuse it answers DATA with that code and keeps nothing.
"""
import argparse
import json
import pathlib
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Sink:
    def __init__(self, directory, refuse):
        self.directory, self.refuse, self.count = pathlib.Path(directory), refuse, 0

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return f"{self.refuse} not today"
        self.count += 1
        (self.directory / f"{self.count}.json").write_text(
            json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos})
        )
        part = self.directory / f"{self.count}.part"
        part.write_bytes(envelope.original_content)
        part.rename(self.directory / f"{self.count}.eml")
        return "250 kept"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--refuse")
    parser.add_argument("--auth")
    args = parser.parse_args()
    more = {}
    if args.auth:
        user, password = args.auth.split(":", 1)

        def check(server, session, envelope, mechanism, data):
            fine = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
            return AuthResult(success=fine)

        more = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    controller = Controller(Sink(args.directory, args.refuse), hostname="127.0.0.1", port=0, **more)
    # The controller asks its own port whether it is up, so it has to know which one it got.
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        controller.port = free.getsockname()[1]
    controller.start()
    print(controller.port, flush=True)
    # Whoever started it closes its input to end it.
    sys.stdin.read()
    controller.stop()
    time.sleep(0)


main()
