#!/usr/bin/env bash
# aiolimiter's AsyncLimiter(5, 2) lets about ten calls through in the first two seconds
#
# Version: aiolimiter 1.3.0
# Guess:   AsyncLimiter(max_rate=5, time_period=2) is "five per two seconds": never more than
#          five within two seconds.
# Seen:    Five pass at once, and the bucket leaks meanwhile: within the first two seconds the
#          sixth to ninth pass as well. The long-run rate is right, any window after an idle time
#          sees nearly twice the number.
# Source:  aiolimiter, aiolimiter/leakybucket.py, AsyncLimiter (leaky bucket whose capacity is
#          max_rate)
# Matters: It guards calls to a model or service that counts per window and answers 429: each
#          burst after a pause of the queue runs into it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    aiolimiter==1.3.0

cat >"$work/probe.py" <<'PY'
import asyncio
import time
from importlib.metadata import version

from aiolimiter import AsyncLimiter


async def main():
    print("aiolimiter", version("aiolimiter"))
    limiter, passed, began = AsyncLimiter(5, 2), 0, time.monotonic()
    while True:
        await limiter.acquire()
        if time.monotonic() - began > 2:
            break
        passed += 1
    print("allowed by the words: 5 in 2 s, passed in the first 2 s: more than 7:", passed > 7)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
aiolimiter 1.3.0
allowed by the words: 5 in 2 s, passed in the first 2 s: more than 7: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
