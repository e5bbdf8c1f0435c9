from django.urls import path

from tenants.api.views import TenantViewSet

urlpatterns = [
    path("admin/tenants", TenantViewSet.as_view({"get": "list"})),
    path("admin/tenants/<uuid:pk>/deactivate", TenantViewSet.as_view({"post": "deactivate"})),
    path("admin/tenants/<uuid:pk>/activate", TenantViewSet.as_view({"post": "activate"})),
    path("admin/tenants/<uuid:pk>/settlement-account", TenantViewSet.as_view({"put": "set_settlement_account"})),
    path("admin/tenants/<uuid:pk>/fees", TenantViewSet.as_view({"put": "set_fees"})),
]
