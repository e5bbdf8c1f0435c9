"""Ask GET /health: for the supervisor, and as ``python -m aurix.embedded.health`` for a container's health check."""

import http.client
import os
import sys
from collections.abc import Mapping


def ask(*, address: tuple[str, int], environ: Mapping[str, str]) -> tuple[int, str]:
    """Status and answer; status 0 and the reason when nobody answers.

    In production Django serves the hosts in ALLOWED_HOSTS only, and 127.0.0.1 is hardly one of them: so the question
    is put to the first of them, wherever it is sent.
    """
    named = environ.get("ALLOWED_HOSTS", "").partition(",")[0].strip().lstrip(".")
    host = named if named not in {"", "*"} else "localhost"
    connection = http.client.HTTPConnection(*address, timeout=2.5)  # it promises 2
    try:
        connection.request("GET", "/health", headers={"Accept": "application/json", "Host": host})
        response = connection.getresponse()
        return response.status, f"{response.status} {response.read(2000).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as problem:
        return 0, str(problem)
    finally:
        connection.close()


if __name__ == "__main__":
    status, answer = ask(address=("127.0.0.1", int(os.environ.get("PORT") or 8080)), environ=os.environ)
    sys.exit(0 if status == http.client.OK else answer)
