from django.urls import path

from tenants.api.views import TenantViewSet
from tenants.api.webhooks import DeliveryViewSet, WebhookViewSet

_WEBHOOKS = "admin/tenants/<uuid:pk>/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/<uuid:endpoint_id>"
_DELIVERY = f"{_WEBHOOK}/deliveries/<uuid:event_id>"

urlpatterns = [
    path("admin/tenants", TenantViewSet.as_view({"get": "list"})),
    path("admin/tenants/<uuid:pk>/deactivate", TenantViewSet.as_view({"post": "deactivate"})),
    path("admin/tenants/<uuid:pk>/activate", TenantViewSet.as_view({"post": "activate"})),
    path("admin/tenants/<uuid:pk>/settlement-account", TenantViewSet.as_view({"put": "set_settlement_account"})),
    path("admin/tenants/<uuid:pk>/fees", TenantViewSet.as_view({"put": "set_fees"})),
    path(_WEBHOOKS, WebhookViewSet.as_view({"get": "list", "post": "create"})),
    path(_WEBHOOK, WebhookViewSet.as_view({"patch": "partial_update", "delete": "destroy"})),
    path(f"{_WEBHOOK}/rotate-secret", WebhookViewSet.as_view({"post": "rotate_secret"})),
    path(f"{_WEBHOOK}/enable", WebhookViewSet.as_view({"post": "enable"})),
    path(f"{_WEBHOOK}/replay", WebhookViewSet.as_view({"post": "replay"})),
    path(f"{_WEBHOOK}/test", WebhookViewSet.as_view({"post": "test"})),
    path(f"{_WEBHOOK}/deliveries", DeliveryViewSet.as_view({"get": "list"})),
    path(f"{_DELIVERY}/requeue", DeliveryViewSet.as_view({"post": "requeue"})),
    path(f"{_DELIVERY}/discard", DeliveryViewSet.as_view({"post": "discard"})),
]
