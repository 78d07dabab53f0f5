"""Starts Python modules as forks of one process, the fork server, which has imported them.

Such processes share the memory of what they import, and start in milliseconds. The server has one thread and no
connection, so that a fork takes over nothing but modules. Linux only: elsewhere system libraries do not survive a fork.

client      asks for processes; each answers like a `subprocess.Popen`
server      imports, forks, and reports which processes have ended
"""

LONGEST_MESSAGE = 65536
"""Bytes of a request or a report."""
