"""The count at the end of a storm: what PostgreSQL holds beside what was promised."""

from casework.store.database import Database
from chaos.ledger import Ledger
from chaos.report import Report

# Between two completions of a case, a person has set it back.
_COMPLETED_AGAIN = """
select count(*) from (
  select type, lag(type) over (partition by case_id order by id) as before from case_history
  where type in ('completed', 'retried', 'delegated')
) e where type = 'completed' and before = 'completed'
"""
_COMPLETED_BY_ONE_RUN = """
select count(*) from (select run_id from case_history where type = 'completed' group by 1 having count(*) > 1) d
"""


def count(db: Database, ledger: Ledger, report: Report) -> None:
    """Fill the report in."""
    with db.begin() as tx:
        ended = {str(row.id) for row in tx.sql("select id from cases where status in ('completed', 'failed')")}
        keyed = [(row.key, str(row.id)) for row in tx.sql("select id, data->>'key' as key from cases")]
        report.refused = tx.sql("select coalesce(sum(refused_writes), 0)::int from runs").scalar_one()
        report.left = tx.sql("select count(*) from runs where live").scalar_one()
        report.doubled = tx.sql(_COMPLETED_AGAIN).scalar_one() + tx.sql(_COMPLETED_BY_ONE_RUN).scalar_one()
    report.cases = len(ledger.accepted)
    report.lost = len(set(ledger.there) - ended) + sum(ledger.unanswered.values())
    # A key's answer names all its cases: too few were lost on the way, and one that it does not name was made twice.
    for key, ids in ledger.answered.items():
        report.lost += max(0, ledger.asked[key] - len(ids))
    report.doubled += sum(key in ledger.answered and id not in ledger.answered[key] for key, id in keyed)
    report.asked_again, report.replayed, report.mistakes = ledger.repeats, ledger.replayed, ledger.mistakes
