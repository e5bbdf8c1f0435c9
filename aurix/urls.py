"""All addresses. No trailing slashes; the back-office is a site of its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from aurix import operations
from aurix.api import errors, schema
from aurix.api.held import HeldEventViewSet
from aurix.health import HealthViewSet

urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("wallet.api.urls")),
    path("", include("tenants.api.urls")),
    path("", include("insights.api.urls")),
    path("", include("privacy.api.urls")),
    path("admin/held-events", HeldEventViewSet.as_view({"get": "list"})),
    path("admin/held-events/<uuid:pk>/requeue", HeldEventViewSet.as_view({"post": "requeue"})),
    path("admin/held-events/<uuid:pk>/discard", HeldEventViewSet.as_view({"post": "discard"})),
    path("health", HealthViewSet.as_view({"get": "retrieve"})),
    path("metrics", operations.metrics),
    path("swagger", schema.swagger, name="swagger"),
    path("swagger/spec", schema.spec, name="spec"),
    path("backoffice/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="swagger")),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
