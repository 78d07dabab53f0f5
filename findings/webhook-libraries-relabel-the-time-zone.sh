#!/usr/bin/env bash
# The Standard Webhooks and Svix libraries sign an aware local time as if it were UTC
#
# Version: standardwebhooks 1.1.0, svix 2.9.1
# Guess:   sign(id, timestamp, body) with an aware datetime signs that instant, whatever its
#          zone.
# Seen:    The zone is replaced, not converted: 14:00+02:00 is signed as 14:00 UTC. The receiver,
#          who gets the true Unix time in the header, finds no matching signature. The same
#          instant written in UTC verifies.
# Source:  standardwebhooks, standardwebhooks/webhooks.py, Webhook.sign
#          (timestamp.replace(tzinfo=timezone.utc)); svix/webhooks.py calls it
# Matters: The sender's tests use datetime.now(timezone.utc) or a server in UTC and pass. With a
#          time that comes from a database driver in the session's zone every delivery is
#          rejected.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    standardwebhooks==1.1.0 svix==2.9.1

cat >"$work/probe.py" <<'PY'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import standardwebhooks
import svix.webhooks

print("standardwebhooks", version("standardwebhooks"), "svix", version("svix"))
secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"case":1}'
utc = datetime.now(timezone.utc)
for library, headers in ((standardwebhooks, "webhook"), (svix.webhooks, "svix")):
    hook = library.Webhook(secret)
    for zone in (timezone.utc, timezone(timedelta(hours=2))):
        local = utc.astimezone(zone)
        sent = {
            f"{headers}-id": "msg_1",
            f"{headers}-timestamp": str(int(local.timestamp())),
            f"{headers}-signature": hook.sign("msg_1", local, body),
        }
        try:
            hook.verify(body, sent)
            outcome = "verified"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        print(library.__name__, zone, outcome)
PY

cat >"$work/seen" <<'TXT'
standardwebhooks 1.1.0 svix 2.9.1
standardwebhooks UTC verified
standardwebhooks UTC+02:00 WebhookVerificationError: No matching signature found
svix.webhooks UTC verified
svix.webhooks UTC+02:00 WebhookVerificationError: No matching signature found
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
