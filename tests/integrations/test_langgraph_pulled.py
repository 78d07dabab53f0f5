"""Graphs in pull agents: what they have done lies with the run, over HTTP."""

from langgraph.types import interrupt

from casework import Complete
from casework.integrations.langgraph import durable
from client.conftest import agent, agent_key, api, awaited, client, installation, python_agent, queue, sync, works  # noqa: F401 - fixtures
from integrations.graphs import graph_of
