"""What holds of the tables at every moment, whoever acts."""

INVARIANTS = {
    "a claimed case has a run that is pending or running": """
        select c.id from cases c left join runs r on r.id = c.run_id
        where c.status = 'claimed' and (r.id is null or r.status not in ('pending', 'running') or r.case_id <> c.id or r.attempt <> c.attempt)""",
    "a case with a bound run that is not claimed has a waiting one": """
        select c.id from cases c join runs r on r.id = c.run_id where c.status in ('pending', 'needs_input') and r.status <> 'waiting'""",
    "a live run is bound to its case, or has been asked to stop": """
        select r.id from runs r left join cases c on c.run_id = r.id where r.live and c.id is null and r.stop_requested_at is null""",
    "a case has one live run at most": "select case_id from runs where live group by 1 having count(*) > 1 and case_id is not null",
    "an ended case was ended by an event": """
        select c.id from cases c where c.completed_at is not null
          and not exists (select from case_history e where e.case_id = c.id and e.type in ('completed', 'failed', 'settled', 'stopped'))""",
    "a case that waits for a person has an open request, and no other case has one": """
        select c.id from cases c full join (select * from human_requests where responded_at is null and cancelled_at is null) h
          on coalesce(h.group_id, h.id) = c.human_request_id and h.case_id = c.id
        where (c.human_request_id is null) <> (h.id is null)""",
    "what belongs to a case that is gone is gone": """
        select case_id from (
          select case_id from case_events union select case_id from human_requests union select case_id from case_labels
          union select case_id from case_search) t
        where case_id not in (select id from cases)""",
    "what belongs to a queue or an agent that is gone is gone": """
        select k.agent_id from consumers k join agents a on a.id = k.agent_id where a.deleted_at is not null
        union select c.id from cases c where c.queue_id not in (select id from queues)""",
    "the runs that hold slots are those of claimed cases, and those that have yet to stop": """
        select coalesce(r.id, b.run_id) from (select id from runs where holds_slot) r full join (
          select run_id from cases where status = 'claimed' and run_agent_id is not null
          union all select id from runs where stop_deadline is not null and status = 'running' and not release_on_stop) b
          on b.run_id = r.id
        where r.id is null or b.run_id is null""",
    "a run that has ended has no time left to stop": "select id from runs where not live and stop_deadline is not null",
    "a run that holds a slot counts against each limit that binds all such runs": """
        select r.id from runs r join limits l on (l.queue_id is null or l.queue_id = r.queue_id) and (l.agent_id is null or l.agent_id = r.agent_id)
        where r.holds_slot and l.key is null and not exists (
          select from limit_holds h join limit_lines n on n.id = h.line_id where n.limit_id = l.id and h.run_id = r.id and h.attempt = r.attempt)""",
    "a consumer says whether limits bind it": """
        select k.agent_id from consumers k where k.limited <> exists (
          select from limits l where (l.queue_id is null or l.queue_id = k.queue_id) and (l.agent_id is null or l.agent_id = k.agent_id))""",
    "no consumer is over its limit": """
        select k.agent_id from consumers k where k.concurrency <
          (select count(*) from runs r where r.queue_id = k.queue_id and r.agent_id = k.agent_id and r.holds_slot)""",
}

_BROKEN_SQL = " union all ".join(
    f"select {number}, id::text from ({sql}) as t (id)" for number, sql in enumerate(INVARIANTS.values())
)


def broken(db):
    """The invariants that do not hold, with the ids concerned."""
    found: dict[str, list[str]] = {}
    names = list(INVARIANTS)
    with db.begin() as tx:
        for number, id in tx.sql(_BROKEN_SQL):
            found.setdefault(names[number], []).append(id)
    return found
