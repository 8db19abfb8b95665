"""Endpoints without keys."""

import pytest
from starlette.testclient import TestClient

from tests.serve.fakes import fake_app


def status(address, host):
    client = TestClient(fake_app(), client=(address, 1234))
    return client.get("/v1/models", headers={"Host": host}).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "pocket.localhost", "LOCALHOST"])
def test_the_own_machine_is_served(address, host):
    assert status(address, host) == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "192.168.1.2", "8.8.8.8", "2001:db8::1", "::ffff:10.0.0.7", "0.0.0.0"])
def test_other_machines_are_not(address):
    assert status(address, "localhost") == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "127.0.0.1.evil.example", "10.0.0.7:8000", "[::2]"]
)
def test_a_page_of_another_site_that_points_its_name_here_is_not(host):
    assert status("127.0.0.1", host) == 403


def test_health_says_nothing_to_others_either():
    assert TestClient(fake_app(), client=("10.0.0.7", 1)).get("/health").status_code == 403
