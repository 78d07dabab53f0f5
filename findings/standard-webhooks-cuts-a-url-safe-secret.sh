#!/usr/bin/env bash
# The Standard Webhooks library signs with a shorter key if the secret is written in URL-safe
# base64
#
# Version: standardwebhooks 1.1.0
# Guess:   A secret is whsec_ and base64. One with - and _, as Python's secrets.token_urlsafe()
#          gives, is refused, or read as what it encodes.
# Seen:    It is taken without an error. Python's base64.b64decode() drops the characters that it
#          does not know: the key is shorter and everything after the first dropped character is
#          shifted. The signature differs from that of a peer that has the raw bytes or reads the
#          secret as URL-safe.
# Source:  standardwebhooks, standardwebhooks/webhooks.py, Webhook.__init__ (base64.b64decode
#          without validate); Python library reference, base64.b64decode
# Matters: Both ends in Python agree with each other, so the tests pass. The first receiver in
#          another language finds no signature that fits, and only for customers whose secret
#          happens to hold one of the two characters.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    standardwebhooks==1.1.0

cat >"$work/probe.py" <<'PY'
import base64
from datetime import datetime, timezone
from importlib.metadata import version

from standardwebhooks import Webhook

print("standardwebhooks", version("standardwebhooks"))
now = datetime(2026, 1, 1, tzinfo=timezone.utc)
for key in (b"a key of thirty-two plain bytes!", b"\xfb\xef\xff\xbe" * 2 + bytes(range(240, 256)), b"\xfb\xf0" + bytes(22)):
    expected = Webhook(key).sign("msg_1", now, "{}")
    for name, encode in (("standard", base64.b64encode), ("URL-safe", base64.urlsafe_b64encode)):
        secret = encode(key).decode()
        foreign = sum(character in "-_" for character in secret)
        try:
            outcome = "same signature" if Webhook("whsec_" + secret).sign("msg_1", now, "{}") == expected else "another signature"
        except ValueError as error:
            outcome = f"{type(error).__name__}: {str(error).split(':')[0]}"
        print(f"{len(key)} bytes, {name}, {foreign} of - and _: {outcome}")
PY

cat >"$work/seen" <<'TXT'
standardwebhooks 1.1.0
32 bytes, standard, 0 of - and _: same signature
32 bytes, URL-safe, 0 of - and _: same signature
24 bytes, standard, 0 of - and _: same signature
24 bytes, URL-safe, 9 of - and _: another signature
24 bytes, standard, 0 of - and _: same signature
24 bytes, URL-safe, 2 of - and _: another signature
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
