"""What crosses Redis: "look now", "execute run X" and "run X was asked to stop". Never state: whatever is lost here is
recovered from PostgreSQL, by the next tick, sweep or heartbeat.
"""
