"""The tools, in the order in which they are listed. Clearing and deleting are not among them."""

from casework.mcp.tool import Tool
from casework.mcp.tools import acting, answering, reading, waiting, working

TOOLS: tuple[Tool, ...] = (*reading.TOOLS, *acting.TOOLS, *answering.TOOLS, *waiting.TOOLS, *working.TOOLS)
BY_NAME = {tool.name: tool for tool in TOOLS}
