"""Whatever the description of the interface allows, and much that it does not: no answer may be a failure of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serve_fixtures import GERMAN, RECEIPT, Service, pages_of_lines, running

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

BOUNDED = hypothesis.settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("jobs"), "--max-mib", "1", "--max-jobs", "100000") as service:
        yield service


@pytest.fixture(scope="module")
def job(service: Service) -> str:
    """A job that was read, for what asks about one."""
    content = pages_of_lines(RECEIPT, GERMAN)
    name = str(service.client.post("/v1/jobs?mode=line", files={"file": ("x.tif", content)}).json()["id"])
    service.wait_for_job(name)
    return name


@pytest.fixture(scope="module")
def api(service: Service) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


def test_no_request_makes_the_service_fail(api: schemathesis.BaseSchema, job: str) -> None:
    asked = 0
    for result in api.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]

        @hypothesis.given(case=operation.as_strategy())
        @BOUNDED
        def check(case: Any) -> None:
            parameters = case.path_parameters
            # Half of those that name a job name one that there is; it must outlive them.
            if parameters and "job" in parameters and len(str(parameters["job"])) % 2 and case.method != "DELETE":
                if "number" in parameters:
                    parameters["number"] = 1 + len(str(parameters["job"])) % 3
                parameters["job"] = job
            response = case.call(timeout=60)
            case.validate_response(response, checks=CHECKS)

        check()
        asked += 1
    assert asked >= 18


def test_it_reads_on_after_all_that(service: Service) -> None:
    answer = service.client.post("/v1/read?mode=line&format=text", content=RECEIPT.read_bytes())
    assert answer.text == "Grand total: € 1,284.50\n"
