"""How the HTTP API reads requests and writes answers, once for all apps.

Owns the error format, request ids, strict JSON, cursors, idempotency keys, rate limits, negotiation and the OpenAPI
glue. Apps subclass ``views.ApiViewSet``, read input with ``serializers`` and list with ``cursors.page``. It never
knows who may do what, nor what gold is.
"""
