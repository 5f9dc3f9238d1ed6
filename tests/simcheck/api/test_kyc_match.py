"""KYC Match against its specification: the scenarios of CAMARA's test plan, in our own words and steps, and
the specification's own schemas over every answer. The plan's tags stand in the names. Left out are its
scenarios for what a provider may choose and we do not: a mandatory idDocument (12, 13) and three-legged
tokens (11).
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from simcheck import clock
from tests.serving import ISSUER
from tests.subscribed import ID, NUMBER, ago, declared, published, register, subscribed

pytestmark = pytest.mark.anyio
SPECIFICATION = yaml.safe_load((Path(__file__).parents[2] / "camara" / "kyc-match.yaml").read_text("utf-8"))
SCHEMAS = SPECIFICATION["components"]["schemas"]
PATH = "/kyc-match/v0.4/match"
CORRELATOR = {"x-correlator": "b4333c46-49c0-4f62-80d7-f0ef930f1c46"}
CELLS = {
    "msisdn": NUMBER, "id_number": ID, "full_name": "Nguyễn Thị Thu Hà", "date_of_birth": "03/07/1985",
    "gender": "Nữ", "id_type": "cccd", "email": "ha@example.com", "status": "active",
}  # fmt: skip
RIGHT = {
    "idDocument": ID, "idDocumentType": "national_id_card", "name": "Nguyễn Thị Thu Hà", "givenName": "Hà",
    "familyName": "Nguyễn", "middleNames": "Thị Thu", "birthdate": "1985-07-03", "email": "HA@example.com",
    "gender": "FEMALE",
}  # fmt: skip
WRONG = {
    "idDocument": "001085000059", "idDocumentType": "passport", "name": "Trần Văn Bình", "givenName": "Hạ",
    "familyName": "Trần", "middleNames": "Văn", "birthdate": "1985-03-07", "email": "ha@example.org",
    "gender": "MALE",
}  # fmt: skip
NOT_HELD = {
    "idDocumentExpiryDate": "2030-01-31", "nameKanaHankaku": "ﾊ", "nameKanaZenkaku": "ハ",
    "familyNameAtBirth": "Lê", "address": "1 Tràng Tiền, Hà Nội", "streetName": "Tràng Tiền",
    "streetNumber": "1", "postalCode": "11000", "region": "Hà Nội", "locality": "Hoàn Kiếm", "country": "VN",
    "houseNumberExtension": "A", "cityOfBirth": "Huế", "countryOfBirth": "VN", "nationality": "VN",
}  # fmt: skip


def validator(schema: dict) -> jsonschema.Draft4Validator:
    """OpenAPI 3.0's schemas are those of JSON Schema's draft 4, as far as they are used here."""
    return jsonschema.Draft4Validator({**schema, "components": SPECIFICATION["components"]})


def checked(response):
    """The answer, when the specification has it: status, headers, body."""
    described = SPECIFICATION["paths"]["/match"]["post"]["responses"][str(response.status_code)]
    if "$ref" in described:
        described = SPECIFICATION["components"]["responses"][described["$ref"].rpartition("/")[2]]
    assert response.headers["content-type"] == "application/json"
    validator(described["content"]["application/json"]["schema"]).validate(response.json())
    if response.status_code == 200:
        assert set(response.json()) <= set(SCHEMAS["KYC_MatchResponse"]["properties"])
    sent = response.request.headers.get("x-correlator")
    if sent is not None and re.fullmatch(SCHEMAS["XCorrelator"]["pattern"], sent):
        assert response.headers["x-correlator"] == sent
    return response


def is_error(response, status: int, code: str) -> None:
    said = checked(response).json()
    assert (response.status_code, said["status"], said["code"]) == (status, status, code)
    assert " " in said["message"]


@pytest.fixture
def line(owner, service):
    """A verified subscription with declared cells, changed by `**cells`."""
    register(owner)
    run = published(owner)

    def made(columns=None, **cells):
        owner.execute("SET app.scope = 'ministry'")
        owner.execute("DELETE FROM subscription")
        run.update(published(owner))
        others = [{**CELLS, "full_name": f"Người Thứ {n}"} for n in range(3)]
        declared(service, run, [*others, {**CELLS, **cells}], bucket=2)
        subscribed(owner, service, run, bucket=2, row=4, **(columns or {}))

    made()
    return made


@pytest.fixture
async def match(http, token_of):
    headers = {**await token_of(None, "kyc-match:match"), **CORRELATOR}

    async def asked(phone: str | None = NUMBER, **fields):
        body = {**({"phoneNumber": phone} if phone is not None else {}), **fields}
        return checked(await http.post(PATH, json=body, headers=headers))

    return asked


async def test_1_success(line, match):
    said = await match(**RIGHT)
    assert said.status_code == 200
    assert said.json() == {f"{field}Match": "true" for field in RIGHT}


@pytest.mark.parametrize("field", [*RIGHT, *NOT_HELD])
async def test_2_one_property(field, line, match):
    """The answer has that property's result, and nothing that was not asked."""
    said = await match(**{field: {**RIGHT, **NOT_HELD}[field]})
    assert said.json() == {f"{field}Match": "true" if field in RIGHT else "not_available"}


def test_2_no_property_is_forgotten():
    assert {*RIGHT, *NOT_HELD, "phoneNumber"} == set(SCHEMAS["KYC_MatchRequestBody"]["properties"])


@pytest.mark.parametrize("field", WRONG)
async def test_3_one_property_that_does_not_match(field, line, match):
    said = (await match(**{field: WRONG[field]})).json()
    assert said.pop(f"{field}Match") == "false"
    scored = {"name", "givenName", "familyName", "middleNames"}
    assert set(said) == ({f"{field}MatchScore"} if field in scored else set())
    assert all(isinstance(score, int) and 0 <= score <= 99 for score in said.values())


async def test_4_any_combination(line, match):
    chance = random.Random(4)
    fields = {**RIGHT, **NOT_HELD}
    for _ in range(15):
        chosen = chance.sample(sorted(fields), chance.randint(1, len(fields)))
        said = await match(**{field: fields[field] for field in chosen})
        assert set(said.json()) == {f"{field}Match" for field in chosen}


async def test_5_with_the_right_id_document(line, match):
    assert (await match(idDocument=ID, name="x")).json()["idDocumentMatch"] == "true"


async def test_401_1_expired_token(line, http, app, token_of):
    from datetime import UTC, datetime, timedelta

    with clock.fixed(datetime.now(UTC) - timedelta(hours=1)):
        headers = await token_of(None, "kyc-match:match")
    is_error(await http.post(PATH, json={}, headers={**headers, **CORRELATOR}), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "sent", [{}, {"Authorization": "Bearer no.such.token"}, {"Authorization": "Basic eDp5"}]
)
async def test_401_2_3_no_or_invalid_token(sent, http):
    for body in (b"", b"{}", b'{"phoneNumber": "+84912345678", "name": "x"}'):
        said = await http.post(f"{ISSUER}{PATH}", content=body, headers={**sent, **CORRELATOR})
        is_error(said, 401, "UNAUTHENTICATED")
        assert said.headers["WWW-Authenticate"].startswith("Bearer")


async def test_403_a_token_without_the_scope(http, token_of):
    said = await http.post(PATH, json={}, headers={**await token_of(None, "otp-checks"), **CORRELATOR})
    is_error(said, 403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b'"x"', b"{", b"\xff", b'{"phoneNumber": 84912345678}', b'{"name": null}',
        b'{"name": 5}', b'{"name": "x", "more": "x"}', b'{"given_name": "x"}', b'{"gender": "F"}',
        b'{"birthdate": "1985-02-30"}', b'{"birthdate": "03/07/1985"}', b'{"birthdate": ""}',
        b'{"email": "x"}',
        b'{"idDocumentType": "cccd"}', b'{"country": "Vietnam"}', b'{"name": "' + b"x" * 257 + b'"}',
    ],
)  # fmt: skip
async def test_400_bodies_that_do_not_comply(body, line, http, token_of):
    headers = {**await token_of(None, "kyc-match:match"), **CORRELATOR, "Content-Type": "application/json"}
    is_error(await http.post(PATH, content=body, headers=headers), 400, "INVALID_ARGUMENT")


async def test_400_x_correlator_of_another_form(line, http, token_of):
    headers = {**await token_of(None, "kyc-match:match"), "x-correlator": "a b"}
    said = await http.post(PATH, json={"phoneNumber": NUMBER, "name": "x"}, headers=headers)
    is_error(said, 400, "INVALID_ARGUMENT")
    assert "x-correlator" not in said.headers


async def test_10_nothing_beside_the_number(line, match):
    is_error(await match(), 400, "KNOW_YOUR_CUSTOMER.INVALID_PARAM_COMBINATION")


@pytest.mark.parametrize("phone", ["0912345678", "84912345678", "+0912345678", "+84 912 345 678", "+84", ""])
async def test_c02_01_number_not_of_its_form(phone, line, match):
    is_error(await match(phone, name="x"), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("phone", ["+84912345679", "+12025550100", "+84111111111"])
async def test_c02_02_number_not_found(phone, line, match):
    is_error(await match(phone, name="x"), 404, "IDENTIFIER_NOT_FOUND")


async def test_c02_04_no_number(line, match):
    is_error(await match(None, name="x"), 422, "MISSING_IDENTIFIER")


async def test_c02_05_a_number_that_is_not_served(line, match):
    is_error(await match("+842412345678", name="x"), 422, "SERVICE_NOT_APPLICABLE")


@pytest.mark.parametrize(
    "columns",
    [{"verdict": "mismatch"}, {"verdict": "unverifiable"}, {"verdict": "rejected"}, {"claimants": 2}],
)
async def test_what_the_register_does_not_confirm_says_nothing(columns, line, match):
    """Neither that something is right nor that it is wrong."""
    line(columns)
    for fields in (RIGHT, WRONG):
        assert set((await match(**fields)).json().values()) == {"not_available"}


async def test_a_variant_is_confirmed(line, match):
    line({"verdict": "variant"}, full_name="NGUYEN THI THU HA")
    assert (await match(name="nguyen thi thu ha")).json() == {"nameMatch": "true"}
    said = (await match(name="Nguyễn Thị Thu Hạ")).json()  # held without marks, it confirms none
    assert said["nameMatch"] == "false"
    assert said["nameMatchScore"] >= 85


async def test_a_subscription_that_is_over_is_nobodys(line, match):
    line({"status": "terminated"})
    is_error(await match(name="x"), 404, "IDENTIFIER_NOT_FOUND")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "NGUYỄN THỊ THU HÀ"}, "true"),
        ({"name": "Nguyen Thi Thu Ha"}, "true"),
        ({"name": "Thu Hà Nguyễn Thị"}, "true"),
        ({"name": "Nguyễn Thị Thu Hạ"}, "false"),
        ({"name": "Nguyễn Thị Thu Hàn"}, "false"),
        ({"name": "Nguyễn Thu Hà"}, "false"),
        ({"name": "N. T. T. Hà"}, "false"),
        ({"name": "Ng?y?n Th? Thu H?"}, "false"),
        ({"name": ""}, "false"),
        ({"givenName": "Thu Hà"}, "true"),
        ({"givenName": "Thị Hà"}, "false"),
        ({"familyName": "Nguyễn Thị"}, "false"),
        ({"idDocument": "001 085 000 042"}, "true"),
        ({"idDocument": "1085000042"}, "false"),
        ({"idDocument": "B1234567"}, "false"),
        ({"gender": "OTHER"}, "false"),
    ],
)
async def test_how_fields_are_compared(fields, expected, line, match):
    [field] = fields
    assert (await match(**fields)).json()[f"{field}Match"] == expected


async def test_what_is_held_in_part_or_not_at_all(line, match):
    line(date_of_birth="1985", gender="", email=" ", full_name="Hà")
    said = (
        await match(birthdate="1985-07-03", gender="MALE", email="a@b.c", familyName="Hà", givenName="Hà")
    ).json()
    assert said == {"birthdateMatch": "not_available", "genderMatch": "true", "emailMatch": "not_available",
                    "familyNameMatch": "true", "givenNameMatch": "true"}  # fmt: skip
    assert (await match(birthdate="1986-07-03")).json() == {"birthdateMatch": "false"}


async def test_guesses_are_counted_with_those_of_otp_questions(line, match, http, token_of):
    for day in range(1, 6):
        await match(birthdate=f"1999-01-0{day}")
    headers = await token_of(None, "otp-checks")
    for last in range(5):
        body = {"msisdn": NUMBER, "id_number": f"00108500020{last}"}
        assert (await http.post("/v1/otp-checks", json=body, headers=headers)).status_code == 200
    kyc = {**await token_of(None, "kyc-match:match"), **CORRELATOR}
    said = await http.post(PATH, json={"phoneNumber": NUMBER, **RIGHT}, headers=kyc)
    assert (said.status_code, said.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert int(said.headers["Retry-After"]) > 8000
    assert said.headers["x-correlator"] == CORRELATOR["x-correlator"]


async def test_a_carrier_may_ask_about_its_own(line, http, viettel, mobifone):
    body = {"phoneNumber": NUMBER, "name": RIGHT["name"]}
    assert checked(await http.post(PATH, json=body, headers=viettel)).json() == {"nameMatch": "true"}
    is_error(await http.post(PATH, json=body, headers=mobifone), 404, "IDENTIFIER_NOT_FOUND")


async def test_every_question_is_audited_without_its_values(line, match, owner, service):
    await match(name=RIGHT["name"], birthdate=WRONG["birthdate"])
    await match("+84912345679", name="x")
    token = service.keyring.token("msisdn", 912345678).hex()
    rows = owner.execute(
        "SELECT stream, subject, detail FROM audit WHERE act = 'kyc.matched' ORDER BY seq"
    ).fetchall()
    assert rows[0][0].startswith("kyc/relying-")
    assert rows[0][1:] == (
        f"msisdn/{token}", {"found": True, "results": {"name": "true", "birthdate": "false"}}
    )  # fmt: skip
    assert rows[1][2] == {"found": False, "fields": ["name"]}


async def test_a_lake_without_the_record(line, http, token_of, owner):
    owner.execute("UPDATE subscription SET row = 99")
    headers = {**await token_of(None, "kyc-match:match"), **CORRELATOR}
    said = await http.post(PATH, json={"phoneNumber": NUMBER, "name": "x"}, headers=headers)
    assert (said.status_code, said.json()["code"]) == (500, "INTERNAL")
    assert said.headers["x-correlator"] == CORRELATOR["x-correlator"]


async def test_a_register_that_is_new_changes_nothing_here(line, match, owner):
    register(owner, as_of=ago(hours=1))
    assert (await match(name=RIGHT["name"])).json() == {"nameMatch": "true"}
