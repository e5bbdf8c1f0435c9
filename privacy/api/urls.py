from django.urls import path

from privacy.api import views

urlpatterns = [
    path("privacy/export", views.ExportViewSet.as_view({"get": "create"})),
    path("privacy/exports/<uuid:pk>", views.ExportViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("privacy/exports/<uuid:pk>/download", views.ExportViewSet.as_view({"get": "download"})),
]
