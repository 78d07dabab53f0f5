#!/usr/bin/env bash
# A plain urllib3 request sleeps in the caller's thread for as long as the server's Retry-After
# says
#
# Version: urllib3 2.8.0
# Guess:   Without a Retry object a 503 is returned as a response. If one retries, the request's
#          timeout and backoff_max bound the wait, and only the codes in status_forcelist (empty
#          by default) are repeated.
# Seen:    The default Retry obeys Retry-After of 413, 429 and 503 for GET, PUT, DELETE and other
#          idempotent methods: the call with timeout=0.5 takes two seconds, backoff_max=0.1
#          changes nothing. The only bound is retry_after_max, six hours. POST and a 503 without
#          the header come back at once.
# Source:  urllib3, urllib3/util/retry.py, Retry.is_retry, RETRY_AFTER_STATUS_CODES and
#          sleep_for_retry
# Matters: A worker that calls an overloaded service seems to hang for an hour in a request with
#          a time-out of half a second; its lease expires and another worker takes the same case.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    urllib3==2.8.0

cat >"$work/probe.py" <<'PY'
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import urllib3


class Busy(BaseHTTPRequestHandler):
    requests = 0

    def answer(self):
        Busy.requests += 1
        self.send_response(200 if Busy.requests == 2 else 503)
        if self.path == "/later" and Busy.requests == 1:
            self.send_header("Retry-After", "2")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
pool = urllib3.PoolManager()
print("urllib3", urllib3.__version__, "retry_after_max of the default:", urllib3.Retry.DEFAULT.retry_after_max)
for method, path, options in (
    ("GET", "/later", {}),
    ("GET", "/later", {"timeout": 0.5}),
    ("GET", "/later", {"retries": urllib3.Retry(3, backoff_max=0.1)}),
    ("PUT", "/later", {}),
    ("POST", "/later", {}),
    ("GET", "/", {}),
):
    Busy.requests = 0
    began = time.monotonic()
    status = pool.request(method, f"http://127.0.0.1:{server.server_port}{path}", **options).status
    slept = time.monotonic() - began > 1.9
    print(method, path, sorted(options), "->", status, "requests:", Busy.requests, "slept two seconds:", slept)
server.shutdown()
PY

cat >"$work/seen" <<'TXT'
urllib3 2.8.0 retry_after_max of the default: 21600
GET /later [] -> 200 requests: 2 slept two seconds: True
GET /later ['timeout'] -> 200 requests: 2 slept two seconds: True
GET /later ['retries'] -> 200 requests: 2 slept two seconds: True
PUT /later [] -> 200 requests: 2 slept two seconds: True
POST /later [] -> 503 requests: 1 slept two seconds: False
GET / [] -> 503 requests: 1 slept two seconds: False
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
