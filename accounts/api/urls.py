from django.urls import path

from accounts.api.views import AccountViewSet, SignInViewSet

urlpatterns = [
    path("auth/register", SignInViewSet.as_view({"post": "register"})),
    path("auth/login", SignInViewSet.as_view({"post": "login"})),
    path("auth/refresh", SignInViewSet.as_view({"post": "refresh"})),
    path("auth/logout", AccountViewSet.as_view({"post": "logout"})),
    path("auth/change-password", AccountViewSet.as_view({"post": "change_password"})),
]
