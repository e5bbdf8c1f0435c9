"""Signing in to the back-office, with Django's own session."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts import credentials
from accounts.models import User
from aurix.tenancy import platform_scope

_WELCOME = (
    "SELECT u.* FROM accounts_user u WHERE u.id = %s AND u.role = 'admin' AND actor_standing(tenant_id, id, NULL) = ''"
)


class BackOfficeBackend(BaseBackend):
    """The platform's admins, of an active tenant, by email and password. Everybody else gets the same no."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        """The admin whose email and password these are; of several the one of the first tenant code."""
        if username is None or password is None:
            return None
        _attempt, fitting = credentials.fitting(email=username, password=password, tenant_id=None)
        admins = (candidate for candidate in fitting if candidate.welcome and candidate.role == User.Role.ADMIN)
        chosen = next(admins, None)
        return self.get_user(chosen.user_id) if chosen else None

    def get_user(self, user_id: UUID | str) -> User | None:
        """Who is signed in; None from the moment on when the account, the tenant or the role no longer allows it."""
        with platform_scope("back-office sign-in"):
            return next(iter(User.objects.raw(_WELCOME, [str(user_id)])), None)
