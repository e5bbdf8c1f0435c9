"""Webhooks: a tenant's events, posted to addresses of its own and signed as Standard Webhooks has it.

The relay's courier for the target ``webhooks`` writes each event down once for every endpoint that wants it
(``deliveries``); from there on each endpoint goes its own pace. The ``dispatcher`` posts what is due (``post``), to
public addresses only (``addresses``), signed (``signatures``), and keeps each subject's order. Staff look after
endpoints (``endpoints``) and have events sent again (``replays``).

docs/webhooks.md is what a receiver may rely on; docs/decisions/0013 has the reasons.
"""
