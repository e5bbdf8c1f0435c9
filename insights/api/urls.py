from django.urls import path

from insights.api import views

urlpatterns = [
    path("insights", views.InsightViewSet.as_view({"get": "list"})),
    path("admin/etl/trigger", views.EtlViewSet.as_view({"post": "trigger"})),
    path("admin/etl/runs/<uuid:pk>", views.EtlViewSet.as_view({"get": "retrieve"})),
]
