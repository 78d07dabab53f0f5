#!/usr/bin/env bash
# Setting one nested environment variable throws away the rest of the field's default
#
# Version: pydantic-settings 2.16.3, pydantic 2.14.4
# Guess:   broker: Broker = Broker(host="queue", port=6380) with APP_BROKER__PORT=7000 gives host
#          "queue" and port 7000: sources are merged, key by key.
# Seen:    The default object is dropped as a whole: host falls back to the default of the class
#          ("localhost"). A dict given to the constructor is merged with the variable, an object
#          given to it is not (there the variable is ignored).
#          nested_model_default_partial_update=True merges with the default.
# Source:  pydantic-settings documentation, "Nested model default partial updates";
#          pydantic_settings/sources, DefaultSettingsSource
# Matters: An operator sets the port of the broker, and the workers talk to another host. The
#          same variable works or not depending on how the rest was set.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-settings==2.16.3 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
import os
from importlib.metadata import version

from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict


class Broker(BaseModel):
    host: str = "localhost"
    port: int = 6379


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__")
    broker: Broker = Broker(host="queue", port=6380)


class Merged(Settings):
    model_config = SettingsConfigDict(nested_model_default_partial_update=True)


print("pydantic-settings", version("pydantic-settings"))
print("nothing set:             ", repr(Settings().broker))
os.environ["APP_BROKER__PORT"] = "7000"
print("APP_BROKER__PORT=7000:   ", repr(Settings().broker))
print("and a dict to the init:  ", repr(Settings(broker={"host": "queue"}).broker))
print("and an object to the init:", repr(Settings(broker=Broker(host="queue")).broker))
print("partial update:          ", repr(Merged().broker))
PY

cat >"$work/seen" <<'TXT'
pydantic-settings 2.16.3
nothing set:              Broker(host='queue', port=6380)
APP_BROKER__PORT=7000:    Broker(host='localhost', port=7000)
and a dict to the init:   Broker(host='queue', port=7000)
and an object to the init: Broker(host='queue', port=6379)
partial update:           Broker(host='queue', port=7000)
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
