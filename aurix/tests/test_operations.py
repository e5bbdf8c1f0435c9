"""What operators see of the work behind the scenes, and schedules that stay as they were set."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from aurix import jobs
from aurix.celery import app
from aurix.schedules import KeepingScheduler
from aurix.tenancy import platform_scope
from aurix.tests.cast import PASSWORD, Api, Person


@pytest.fixture
def job() -> str:
    """A kind of task that has succeeded twice and failed once, after that."""
    name = f"aurix.tests.{uuid4().hex}"

    @app.task(name=name)  # type: ignore[untyped-decorator]  # Celery has no types
    def work(fail: bool) -> None:  # noqa: FBT001  a task's argument
        if fail:
            raise ValueError("who this is about is nobody's business")

    for fail in (False, False, True):
        work.apply(args=(fail,))
    del app.tasks[name]
    return name


def outcome(name: str) -> jobs.Outcome:
    with platform_scope("look at jobs"):
        (found,) = [found for found in jobs.outcomes() if found.name == name]
    return found


class TestJobs:
    def test_leave_how_they_ended(self, job: str) -> None:
        found = outcome(job)
        assert (found.succeeded, found.failed, found.last_error) == (2, 1, "ValueError")
        assert found.last_success_at
        assert found.last_failure_at
        assert found.last_failure_at > found.last_success_at

    def test_are_all_recorded_late_acknowledged_and_bounded(self) -> None:
        app.loader.import_default_modules()
        ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
        assert len(ours) > 3
        for task in ours:
            assert isinstance(task, jobs.Recorded), task.name
            assert task.acks_late, task.name
            assert task.time_limit or app.conf.task_time_limit, task.name
            assert task.soft_time_limit or app.conf.task_soft_time_limit, task.name


class TestVerboseHealth:
    def test_is_for_admins(self, api: Api, alice: Person, tom: Person) -> None:
        assert api.get("/health?verbose=1").status_code == 401
        assert alice.get("/health?verbose=1").status_code == 403
        assert tom.get("/health?verbose=1").status_code == 403
        assert api.get("/health").status_code == 200

    def test_tells_of_queue_jobs_and_relay(self, olivia: Person, job: str) -> None:
        body = olivia.get("/health?verbose=1").json()
        assert body["queue"]["waiting"] >= 0
        (row,) = [row for row in body["jobs"] if row["name"] == job]
        assert (row["succeeded"], row["failed"], row["last_error"]) == (2, 1, "ValueError")
        assert "nobody's business" not in str(body)
        assert isinstance(body["relay"], list)
        assert body["webhooks"].keys() == {"endpoints", "disabled", "waiting", "failing", "dead", "lag_seconds"}

    def test_does_not_believe_a_token_that_was_logged_out(self, olivia: Person) -> None:
        olivia.post("/auth/logout", {"refresh_token": olivia.tokens["refresh_token"]})
        answer = olivia.get("/health?verbose=1")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_revoked")


class TestMetrics:
    def test_do_not_exist_without_a_token_in_the_settings(self, api: Api) -> None:
        assert api.get("/metrics", Authorization="Bearer ").status_code == 404

    def test_are_for_who_bears_it(self, api: Api, settings: Any, olivia: Person) -> None:
        settings.METRICS_TOKEN = "s3same-of-the-monitor"
        for refused in (api.get("/metrics"), api.get("/metrics", Authorization="Bearer x"), olivia.get("/metrics")):
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")

    def test_count_jobs(self, api: Api, settings: Any, job: str) -> None:
        settings.METRICS_TOKEN = "s3same-of-the-monitor"
        text = api.get("/metrics", Authorization="Bearer s3same-of-the-monitor").content.decode()
        assert f'aurix_job_runs_total{{job="{job}",outcome="succeeded"}} 2.0' in text
        assert f'aurix_job_runs_total{{job="{job}",outcome="failed"}} 1.0' in text
        assert "aurix_queue_waiting" in text
        assert "aurix_webhooks_dead" in text


class TestSchedules:
    @pytest.fixture
    def entry(self) -> PeriodicTask:
        """A default as beat stores it when it starts."""
        KeepingScheduler(app=app, lazy=True).setup_schedule()
        return PeriodicTask.objects.get(name="reconcile")

    def test_are_the_defaults_at_first(self, entry: PeriodicTask) -> None:
        assert entry.task == "wallet.tasks.reconcile"
        assert (entry.interval.every, entry.interval.period) == (21600, "seconds")

    def test_stay_as_they_were_set_when_beat_starts_again(self, entry: PeriodicTask) -> None:
        hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
        before = entry.interval
        entry.interval, entry.enabled = hourly, False
        entry.save()
        try:
            scheduler = KeepingScheduler(app=app, lazy=True)
            scheduler.setup_schedule()
            kept = PeriodicTask.objects.get(name="reconcile")
            assert (kept.interval, kept.enabled) == (hourly, False)
        finally:
            entry.interval, entry.enabled = before, True
            entry.save()

    def test_are_edited_in_the_back_office(self, olivia: Person) -> None:
        office = Client()
        office.post("/backoffice/login/", {"username": olivia.email, "password": PASSWORD})
        form = {
            "every": 17,
            "period": "minutes",
            "periodictask_set-TOTAL_FORMS": 0,
            "periodictask_set-INITIAL_FORMS": 0,
        }
        answer = office.post("/backoffice/django_celery_beat/intervalschedule/add/", form)
        assert answer.status_code == 302, answer.context["errors"]
        assert IntervalSchedule.objects.filter(every=17, period="minutes").exists()
        assert office.get("/backoffice/django_celery_beat/periodictask/").status_code == 200
