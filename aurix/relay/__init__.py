"""The relay: every committed outbox event leaves for every target, at least once, in order for each subject.

``manage.py relay`` runs a ``Courier`` for each target of ``EVENT_TARGETS``. A courier reads what was committed since
its position (``delta``), wraps it as CloudEvents (``envelope``), gives it to its target (``streams``, ``kafka``,
``webhooks``) and advances its position (``positions``); when there is nothing left it sleeps until the ``bell`` rings.
What a target refuses is held (``held``) together with later events of its subject, so that the others go on.
``pruning`` removes what all targets have had.

A consumer that keeps the first event of each id has every event exactly once and each subject's in order, whatever
died on the way: a courier always sends a prefix of what it has read, and always starts again from its position.

docs/decisions/0007-outbox-relay.md and 0013 have the reasons. It never knows what the events mean.
"""
