from django.apps import AppConfig


class AurixConfig(AppConfig):
    name = "aurix"
    verbose_name = "Platform"
