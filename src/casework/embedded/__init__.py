"""The servers that casework brings where no URL is given: PostgreSQL and Valkey, under CASEWORK_HOME.

Started on demand by whoever needs them, shared by all processes of one home, stopped after the last has ended. They
serve development and a single small host; production gives URLs.
"""

from casework.embedded.client import Urls, begin, resolve

__all__ = ["Urls", "begin", "resolve"]
