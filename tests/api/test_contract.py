"""The served OpenAPI against the contract: nothing of it is missing, renamed or looser."""

from pathlib import Path

import pytest
import yaml

CONTRACT = yaml.safe_load((Path(__file__).parent.parent / "contract" / "cases-v1.openapi.yaml").read_text())
BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "default")
OPERATIONS = [(path, method) for path, item in CONTRACT["paths"].items() for method in item if method != "parameters"]


def resolve(document, schema):
    while "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def flat(document, schema):
    """A schema without references, unions with null and allOf: its type names, bounds, properties, items, enum."""
    schema = resolve(document, schema)
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or []
    merged = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf")}
    types = {schema["type"]} if isinstance(schema.get("type"), str) else set(schema.get("type", ()))
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in parts:
        inner = flat(document, part)
        types |= inner["types"]
        properties |= inner["properties"]
        required |= inner["required"] if "allOf" in schema else set()
        for key, value in inner["rest"].items():
            merged.setdefault(key, value)
    return {"types": types, "properties": properties, "required": required, "rest": merged}


def differences(served, ours, theirs, where, *, request):
    """What the served schema lacks of the contract's, or has looser."""
    mine, want = flat(served, ours), flat(CONTRACT, theirs)
    if want["types"] and mine["types"]:
        extra, missing = mine["types"] - want["types"], want["types"] - mine["types"]
        if missing or (extra - {"null"} if request else extra):
            yield f"{where}: types {sorted(mine['types'])}, the contract has {sorted(want['types'])}"
    for bound in BOUNDS:
        if bound == "default" and not request:
            continue
        if bound in want["rest"] and mine["rest"].get(bound) != want["rest"][bound]:
            looser = bound != "maxLength" or not request
            if looser:
                yield f"{where}: {bound} {mine['rest'].get(bound)!r}, the contract has {want['rest'][bound]!r}"
    if "enum" in want["rest"] and set(mine["rest"].get("enum", ())) != set(want["rest"]["enum"]):
        yield f"{where}: enum {mine['rest'].get('enum')}, the contract has {want['rest']['enum']}"
    if request:
        if mine["required"] - want["required"]:
            yield f"{where}: also requires {sorted(mine['required'] - want['required'])}"
        if want["required"] - mine["required"]:
            yield f"{where}: does not require {sorted(want['required'] - mine['required'])}"
    elif want["required"] - mine["required"]:
        yield f"{where}: may lack {sorted(want['required'] - mine['required'])}"
    for name, schema in want["properties"].items():
        if name not in mine["properties"]:
            yield f"{where}: has no {name}"
        else:
            yield from differences(served, mine["properties"][name], schema, f"{where}.{name}", request=request)
    if "items" in want["rest"]:
        yield from differences(
            served, mine["rest"].get("items", {}), want["rest"]["items"], f"{where}[]", request=request
        )


@pytest.fixture(scope="module")
def served(client):
    return client.get("/openapi.json").json()


def test_finds_nineteen_operations_in_the_contract():
    assert len(OPERATIONS) == 19


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_serves_an_operation_as_the_contract_says(served, path, method):
    wanted, shared = CONTRACT["paths"][path][method], CONTRACT["paths"][path].get("parameters", [])
    got = served["paths"][path][method]
    found = []
    if got["operationId"] != wanted["operationId"]:
        found.append(f"operationId {got['operationId']}")
    parameters = {
        (one["in"], one["name"]): one for one in map(lambda one: resolve(served, one), got.get("parameters", []))
    }
    for one in map(lambda one: resolve(CONTRACT, one), [*shared, *wanted.get("parameters", [])]):
        mine = parameters.get((one["in"], one["name"]))
        if mine is None:
            found.append(f"no parameter {one['name']}")
            continue
        if bool(mine.get("required")) != bool(one.get("required")):
            found.append(f"{one['name']}: required {mine.get('required')}")
        found += differences(served, mine["schema"], one["schema"], one["name"], request=True)
    if "requestBody" in wanted:
        if bool(got["requestBody"].get("required")) != bool(wanted["requestBody"].get("required")):
            found.append(f"requestBody required {got['requestBody'].get('required')}")
        ours = got["requestBody"]["content"]["application/json"]["schema"]
        found += differences(
            served, ours, wanted["requestBody"]["content"]["application/json"]["schema"], "body", request=True
        )
    for status, response in wanted["responses"].items():
        if status == "default":
            continue
        response = resolve(CONTRACT, response)
        if status not in got["responses"]:
            found.append(f"no response {status}")
            continue
        ours = got["responses"][status]["content"]["application/json"]["schema"]
        found += differences(served, ours, response["content"]["application/json"]["schema"], status, request=False)
    for status in ("400", "401", "403", "404", "409", "413", "429", "500", "503"):
        ours = got["responses"][status]["content"]["application/json"]["schema"]
        found += differences(
            served,
            ours,
            CONTRACT["components"]["responses"]["Error"]["content"]["application/json"]["schema"],
            status,
            request=False,
        )
    assert found == []


def test_documents_roles_and_errors_of_every_operation(served):
    for path, item in served["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1"):
                assert operation["security"] == [{"bearerAuth": []}], path
                assert {"400", "401", "403", "404", "503"} <= set(operation["responses"]), path
            assert operation["summary"], (path, method)


def test_serves_documentation_without_the_internet(client):
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
