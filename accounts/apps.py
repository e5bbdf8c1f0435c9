from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AccountsConfig(AppConfig):
    name = "accounts"


class BackOfficeConfig(AdminConfig):
    """``django.contrib.admin`` with our site as the default one. Stands in INSTALLED_APPS in its place."""

    default_site = "accounts.backoffice.BackOffice"
