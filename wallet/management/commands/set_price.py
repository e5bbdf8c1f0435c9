from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aurix import clock, money
from aurix.errors import BadRequest
from wallet.actions import prices


class Command(BaseCommand):
    help = "Set the price of gold for every tenant, at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("price_eur", help="euros per gram, such as 65.00")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            price = money.parse_decimal(options["price_eur"], places=money.PLACES)
            current = prices.set_price(price=price, now=clock.now())
        except (money.AmountError, BadRequest) as problem:
            raise CommandError(f"price_eur: {problem}") from problem
        self.stdout.write(f"{money.format_grams(current.price)} EUR/g")
