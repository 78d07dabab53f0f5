"""What casework costs, against what it is built on and against its peers, as ratios of alternating rounds.

    cd tests && python -m bench [--only NAME] [--rounds N] [--json FILE] [--quick] [--large] [--base DIR] [--peers] [--soak]

Starts its own servers in a temporary home, or takes those that CASEWORK_TEST_DATABASE_URL and CASEWORK_TEST_REDIS_URL
name; their databases `bench_*` and their Redis are emptied. Procrastinate and PgQueuer are left out of `end-to-end` where they
are not installed: `pip install 'procrastinate[psycopg]' 'pgqueuer[psycopg]'`. `--base` measures another build in turn, and
`--peers` installs other queues for the moment.

Absolute numbers are of one machine at one moment. Ratios hold: all that is compared runs in the same round, one thing
at a time, A B A B, and the table gives the median over the rounds and its range.

The disk is part of what is measured. Where it is slow or shared, TMPDIR=/dev/shm leaves it out, and the ratios then are
of processor time: one flush of 2 ms hides most of what a layer costs.
"""
