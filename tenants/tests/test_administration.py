"""The administration calls about tenants and the price, by role."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from aurix.tenancy import platform_scope
from aurix.tests.cast import Api, Person, person
from tenants.queries import TenantView

FEES = {"buy_fee_rate": "0.01", "sell_fee_rate": "0.02", "min_fee_eur_cents": 10}


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class TestTenants:
    def test_the_platform_s_admin_sees_all_in_pages(
        self, olivia: Person, tenant: TenantView, other_tenant: TenantView
    ) -> None:
        seen: list[dict[str, Any]] = []
        path: str | None = "/admin/tenants?limit=1"
        while path:
            page = olivia.get(path).json()
            assert len(page["items"]) == 1
            seen += page["items"]
            path = f"/admin/tenants?limit=1&cursor={page['next_cursor']}" if page["next_cursor"] else None
        assert set(seen[0]) == {"id", "code", "name", "status", "created_at"}
        assert {str(tenant.id), str(other_tenant.id)} <= {item["id"] for item in seen}
        assert [item["code"] for item in seen] == sorted(item["code"] for item in seen)

    def test_a_tenant_s_admin_sees_the_own(self, tom: Person, other_tenant: TenantView) -> None:
        assert [item["id"] for item in tom.get("/admin/tenants").json()["items"]] == [str(tom.tenant.id)]

    def test_customers_see_nothing(self, alice: Person) -> None:
        assert error(alice.get("/admin/tenants")) == (403, "forbidden")

    def test_deactivating_shuts_out_open_tokens_and_new_ones(self, olivia: Person, charlie: Person) -> None:
        url = f"/admin/tenants/{charlie.tenant.id}"
        for _ in range(2):  # again changes nothing
            answer = olivia.post(f"{url}/deactivate")
            assert (answer.status_code, answer.json()) == (
                200,
                {"status": "deactivated", "tenant_id": str(charlie.tenant.id)},
            )
        assert error(charlie.get("/wallet")) == (403, "tenant_inactive")
        assert error(charlie.get("/transactions")) == (403, "tenant_inactive")
        assert olivia.post(f"{url}/activate").json() == {"status": "active", "tenant_id": str(charlie.tenant.id)}
        assert charlie.get("/wallet").status_code == 200

    @pytest.mark.parametrize("verb", ["activate", "deactivate"])
    def test_only_the_platform_opens_and_closes_tenants(
        self, verb: str, alice: Person, tom: Person, charlie: Person, olivia: Person
    ) -> None:
        assert error(alice.post(f"/admin/tenants/{alice.tenant.id}/{verb}")) == (403, "forbidden")
        assert error(tom.post(f"/admin/tenants/{tom.tenant.id}/{verb}")) == (403, "forbidden")
        assert error(tom.post(f"/admin/tenants/{charlie.tenant.id}/{verb}")) == (404, "not_found")
        assert error(olivia.post(f"/admin/tenants/{uuid4()}/{verb}")) == (404, "not_found")
        assert error(olivia.post(f"/admin/tenants/1/{verb}")) == (404, "not_found")

    def test_the_platform_s_admin_can_reopen_the_own_tenant(self, olivia: Person) -> None:
        url = f"/admin/tenants/{olivia.tenant.id}"
        assert olivia.post(f"{url}/deactivate").status_code == 200
        assert error(olivia.get("/wallet")) == (403, "tenant_inactive")
        assert olivia.post(f"{url}/activate").status_code == 200


class TestFees:
    @pytest.mark.parametrize("who", ["olivia", "tom"])
    def test_are_set_by_the_platform_s_and_the_tenant_s_admin(
        self, who: str, alice: Person, request: pytest.FixtureRequest
    ) -> None:
        admin: Person = request.getfixturevalue(who)
        answer = admin.put(f"/admin/tenants/{alice.tenant.id}/fees", FEES)
        assert (answer.status_code, answer.json()) == (200, {"status": "updated", "tenant_id": str(alice.tenant.id)})
        assert alice.buy(grams="10").json()["transaction"]["fee_eur"] == "6.50"
        assert alice.sell(grams="10").json()["transaction"]["fee_eur"] == "13.00"

    def test_are_not_a_stranger_s_to_set(self, tom: Person, alice: Person, charlie: Person, olivia: Person) -> None:
        assert error(tom.put(f"/admin/tenants/{charlie.tenant.id}/fees", FEES)) == (404, "not_found")
        assert error(alice.put(f"/admin/tenants/{alice.tenant.id}/fees", FEES)) == (403, "forbidden")
        assert error(olivia.put(f"/admin/tenants/{uuid4()}/fees", FEES)) == (404, "not_found")

    @pytest.mark.parametrize(
        "change",
        [
            {"buy_fee_rate": "1"},
            {"buy_fee_rate": "-0.1"},
            {"sell_fee_rate": 0.5},
            {"sell_fee_rate": "0.123456789"},
            {"sell_fee_rate": None},
            {"min_fee_eur_cents": -1},
            {"min_fee_eur_cents": "50"},
            {"min_fee_eur_cents": 1.5},
            {"min_fee_eur_cents": True},
            {"min_fee_eur_cents": 10**30},
            {"extra": 1},
        ],
    )
    def test_refuses_what_are_no_fees(self, change: dict[str, Any], tom: Person) -> None:
        assert error(tom.put(f"/admin/tenants/{tom.tenant.id}/fees", FEES | change)) == (400, "bad_request")


class TestSettlementAccount:
    ACCOUNT = {"holder_name": "Goldhaus AG", "iban": "de89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX"}

    @pytest.mark.parametrize("who", ["olivia", "tom"])
    def test_is_named_by_the_platform_s_and_the_tenant_s_admin(
        self, who: str, alice: Person, request: pytest.FixtureRequest
    ) -> None:
        admin: Person = request.getfixturevalue(who)
        path = f"/admin/tenants/{alice.tenant.id}/settlement-account"
        answer = admin.put(path, self.ACCOUNT)
        assert (answer.status_code, answer.json()) == (200, {"status": "updated", "tenant_id": str(alice.tenant.id)})
        assert admin.put(path, self.ACCOUNT | {"holder_name": "Other"}).status_code == 200
        assert error(alice.put(path, self.ACCOUNT)) == (403, "forbidden")
        account = {"holder_name": "Other", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}
        deposit = alice.post("/deposits", {"eur": "1"}, Idempotency_Key="k").json()
        assert deposit["pay_to"] == account

    def test_of_another_tenant_does_not_exist(self, tom: Person, charlie: Person, olivia: Person) -> None:
        assert error(tom.put(f"/admin/tenants/{charlie.tenant.id}/settlement-account", self.ACCOUNT))[0] == 404
        assert error(olivia.put(f"/admin/tenants/{uuid4()}/settlement-account", self.ACCOUNT))[0] == 404

    @pytest.mark.parametrize(
        "change",
        [{"iban": "DE00"}, {"iban": None}, {"bic": "X"}, {"bic": "cobadeff"}, {"holder_name": "\u91d1"},
         {"holder_name": ""}, {"holder_name": "x" * 71}, {"tenant_id": "x"}],
    )  # fmt: skip
    def test_refuses_what_is_no_account(self, change: dict[str, Any], tom: Person) -> None:
        answer = tom.put(f"/admin/tenants/{tom.tenant.id}/settlement-account", self.ACCOUNT | change)
        assert error(answer) == (400, "bad_request")


class TestGoldPrice:
    def test_is_in_force_for_every_tenant_at_once(self, olivia: Person, alice: Person, charlie: Person) -> None:
        answer = olivia.post("/admin/gold-price", {"price_eur": "71.5"})
        assert (answer.status_code, answer.json()) == (200, {"status": "updated", "price_eur": "71.50000000"})
        for customer in (alice, charlie):
            assert customer.get("/wallet").json()["gold_price_eur"] == "71.50000000"
            assert customer.buy(grams="1").json()["transaction"]["price_eur_per_gram"] == "71.50000000"

    def test_is_the_platform_s_to_set(self, tom: Person, alice: Person, api: Api) -> None:
        for someone in (tom, alice):
            assert error(someone.post("/admin/gold-price", {"price_eur": "1"})) == (403, "forbidden")
        assert error(api.post("/admin/gold-price", {"price_eur": "1"})) == (401, "unauthorized")

    @pytest.mark.parametrize("price", ["0", "-65", "0.5", "100000.01", "1e2", "65.123456789", "", 65, None, ["65"]])
    def test_refuses_what_is_no_price(self, price: Any, olivia: Person) -> None:
        assert error(olivia.post("/admin/gold-price", {"price_eur": price})) == (400, "bad_request")


class TestRoles:
    def test_a_role_is_looked_up_and_not_believed(self, tenant: TenantView) -> None:
        former = person("former", tenant, role="admin")
        assert former.get("/admin/tenants").status_code == 200
        with platform_scope("take a role away"):
            User.objects.filter(id=former.user_id).update(role="user")
        assert error(former.get("/admin/tenants")) == (403, "forbidden")
        assert error(former.post("/admin/gold-price", {"price_eur": "70"})) == (403, "forbidden")


class TestCommands:
    def test_create_tenant_makes_one_that_trades(self, capsys: pytest.CaptureFixture[str]) -> None:
        code = f"new-{uuid4().hex[:8]}"
        call_command("create_tenant", code, "New Bank")
        assert capsys.readouterr().out.startswith(code)
        with pytest.raises(CommandError, match="taken"):
            call_command("create_tenant", code, "Again")
        with pytest.raises(CommandError):
            call_command("create_tenant", "Not A Code", "No")

    def test_set_price_refuses_nonsense(self, alice: Person) -> None:
        call_command("set_price", "66.00")
        assert alice.get("/wallet").json()["gold_price_eur"] == "66.00000000"
        for price in ("0", "x", "1e9"):
            with pytest.raises(CommandError):
                call_command("set_price", price)
