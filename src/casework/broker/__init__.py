"""What crosses Redis: "look now", "execute run X" and "run X was asked to stop". Never state.

Whatever is lost here is made good from PostgreSQL: by the next tick, by the sweep, by the next heartbeat.
"""
