"""The platform: settings, API plumbing, tenancy, outbox, audit, embedded servers.

Owns everything that any multi-tenant service needs. Verbs: ``tenancy.tenant_scope``, ``outbox.emit``,
``audit.record``. It never knows what gold is.
"""
