"""`casework up`: all processes of a small installation in one terminal.

command     starts the processes, and goes on until Ctrl-C
modules     imports the agents' modules in a process of its own, and notices changes of their files
lines       a line of a process, or a failure, as a person reads it
screen      where lines go, and below them the view
view        the queues, runs and waiting requests now
"""
