from django.urls import path

from privacy.api import erasure, views

urlpatterns = [
    path("privacy/erasure-request", erasure.ErasureViewSet.as_view({"post": "create"})),
    path("admin/tenants/<uuid:pk>/privacy", erasure.PolicyViewSet.as_view({"put": "update"})),
    path("admin/tenants/<uuid:pk>/erasure-requests", erasure.TenantErasureViewSet.as_view({"get": "list"})),
    path("admin/erasure-requests/<uuid:pk>/hold", erasure.StaffErasureViewSet.as_view({"post": "hold"})),
    path("admin/erasure-requests/<uuid:pk>/paid-out", erasure.StaffErasureViewSet.as_view({"post": "paid_out"})),
    path("privacy/export", views.ExportViewSet.as_view({"get": "create"})),
    path("privacy/exports/<uuid:pk>", views.ExportViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("privacy/exports/<uuid:pk>/download", views.ExportViewSet.as_view({"get": "download"})),
]
