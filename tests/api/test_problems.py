"""Every refusal is a problem document, and an error of ours tells no particulars."""

import json

import pytest
from django.db import DatabaseError
from django.test import Client

from crm.api import parsers
from leads.models import Contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(program, marketer):
    return program(marketer)


def test_a_problem_document_has_its_members(caller):
    response = caller.call("get", "contacts/987654/")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Not found."}


def test_other_media_than_json_are_not_taken(caller):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"):
        response = caller.call("post", "contacts/", raw="email=eva", content_type=kind)
        assert response.status_code == 415, kind
    response = caller.client.get("/api/v1/contacts/", headers=caller.headers | {"Accept": "text/html"})
    assert (response.status_code, response["Content-Type"]) == (406, "application/problem+json")


@pytest.mark.parametrize("charset", ["utf-16", "hex", "bz2_codec", "rot13", "no-such"])
def test_a_body_is_read_as_utf_8_whatever_it_says_of_itself(caller, charset):
    response = caller.call(
        "post", "contacts/", raw='{"last_name": "Ek"}', content_type=f"application/json; charset={charset}"
    )
    assert response.status_code in (201, 400)


def test_a_body_that_is_too_large_is_not_read_to_its_end(caller, monkeypatch):
    monkeypatch.setattr(parsers, "MAX_BYTES", 1000)
    response = caller.call("post", "activities/", raw=json.dumps([{}] * 1000))
    assert response.status_code == 413


def test_a_body_in_chunks_is_not_taken_for_none(caller):
    sent = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = caller.call("post", "contacts/", {"last_name": "Ek"}, **sent)
    assert response.status_code == 411
    assert not Contact.objects.exists()


@pytest.mark.parametrize("body", ["{", "", "[]", "null", '"x"', "[" * 10_000, '{"a": Infinity}', b"\xff"])
@pytest.mark.parametrize("path", ["contacts/", "campaigns/"])
def test_a_body_that_is_no_object_is_refused(caller, path, body):
    assert caller.call("post", path, raw=body).status_code == 400
    assert not Contact.objects.exists()


def test_an_error_of_ours_is_told_without_particulars(caller, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise DatabaseError("the password is swordfish")

    monkeypatch.setattr("crm.flows.create_contact", fail)
    caller.client.raise_request_exception = False
    response = caller.call("post", "contacts/", {"last_name": "Ek"})
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert "swordfish" not in response.content.decode()
    assert "swordfish" in caplog.text


def test_a_program_that_comes_while_the_demo_is_made_is_told_to_come_again(caller, monkeypatch):
    monkeypatch.setattr("crm.setup.is_demo_pending", lambda *, data_dir: True)
    response = caller.call("get", "contacts/")
    assert (response.status_code, response["Retry-After"]) == (503, "10")


def test_problems_speak_the_language_that_is_asked_for(marketer):
    response = Client().get("/api/v1/contacts/", headers={"Accept-Language": "fi"})
    assert response.status_code == 401
    assert response.json()["detail"] != "Authentication credentials were not provided."
