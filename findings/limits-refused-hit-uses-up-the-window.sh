#!/usr/bin/env bash
# A hit that limits' fixed window refuses for its cost uses up the window all the same
#
# Version: limits 5.8.0 (MemoryStorage)
# Guess:   hit() returns False and takes nothing: a request of cost 2 fits afterwards, as it does
#          with the moving window.
# Seen:    With the fixed window the refused cost is added to the counter. After hit(cost=3)
#          against a limit of 2 nothing passes any more until the window ends. The moving window
#          and the sliding counter take nothing for a refusal.
# Source:  limits, limits/strategies.py, FixedWindowRateLimiter.hit (incr first, then compare)
# Matters: Budgets of tokens or money per minute are limits with a cost. One request that is too
#          large blocks everybody else who shares the key, again at each retry.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    limits==5.8.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

print("limits", version("limits"))
budget = parse("2 per hour")
for strategy in (FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter):
    limiter = strategy(MemoryStorage())
    outcomes = [(cost, limiter.hit(budget, "tokens", cost=cost)) for cost in (3, 2)]
    print(f"{strategy.__name__}:", ", then ".join(f"cost {cost} -> {passed}" for cost, passed in outcomes))
PY

cat >"$work/seen" <<'TXT'
limits 5.8.0
FixedWindowRateLimiter: cost 3 -> False, then cost 2 -> False
MovingWindowRateLimiter: cost 3 -> False, then cost 2 -> True
SlidingWindowCounterRateLimiter: cost 3 -> False, then cost 2 -> True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
