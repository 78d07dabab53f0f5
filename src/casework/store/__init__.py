"""All SQL, and nothing but SQL: functions over a transaction that return the records of `core.model`.

Lock order, everywhere: queues, agents, consumers, cases by id, runs by id, human requests, counters by queue and name.
Statements that lock in the same order cannot deadlock.
"""
