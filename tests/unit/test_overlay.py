"""The overlay: applied as its specification says, refused with its line, and valid for operations that come later."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from planting import GONE, with_changes
from scripts import codegen, contract_rules, rules_of_links, rules_of_operations, rules_of_v2, v2_document
from scripts.contract_rules import Rule
from scripts.overlay import Overlaid, apply, read_overlay
from scripts.specification import BrokenDocument, read_specification
from scripts.v2_document import SecondVersion, read_v2

FIRST = read_specification(codegen.SPECIFICATION)
SECOND = codegen.read_second(FIRST)

HEAD = "overlay: 1.0.0\ninfo: {title: A test, version: 1.0.0}\n"
TITLE = "\nactions:\n  - target: $.info\n    update: {title: B}\n"
DOCUMENT: Mapping[str, Any] = {
    "info": {"title": "A", "contact": {"name": "Ada", "url": "/ada"}},
    "tags": [{"name": "red"}, {"name": "green"}, {"name": "blue"}],
    "words": ["one", "two"],
    "paths": {"/a": {"get": {"deprecated": True, "words": ["x"]}}, "/b": {"get": {"words": ["y"]}}},
}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "test.overlay.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def overlaid(tmp_path: Path, actions: str, document: Mapping[str, Any] = DOCUMENT) -> Overlaid:
    """Apply actions, each a line of YAML, to a document."""
    lines = "".join(f"  - {line}\n" for line in actions.strip().splitlines())
    return apply(read_overlay(written(tmp_path, f"{HEAD}actions:\n{lines}")), document)


def changed(tmp_path: Path, actions: str, document: Mapping[str, Any] = DOCUMENT) -> dict[str, Any]:
    return overlaid(tmp_path, actions, document).document


# What it does: OpenAPI Overlay Specification 1.0.0, section 4.4.3


def test_properties_are_merged_recursively(tmp_path: Path) -> None:
    """ "The properties in the update object are recursively merged with those with the same names"."""
    made = changed(
        tmp_path, "{target: $.info, update: {contact: {url: /b, email: a@b.c}, license: {name: MIT}}}"
    )
    assert made["info"] == {
        "title": "A",
        "contact": {"name": "Ada", "url": "/b", "email": "a@b.c"},
        "license": {"name": "MIT"},
    }


def test_new_properties_are_added_behind(tmp_path: Path) -> None:
    """ "New properties are added to the target object", and the order of the others stays."""
    made = changed(tmp_path, "{target: $.info, update: {version: '1', title: B}}")
    assert list(made["info"]) == ["title", "contact", "version"]


def test_entry_is_appended_to_list(tmp_path: Path) -> None:
    """ "If the target selects an array, the value of this field must be an entry to append"."""
    made = changed(tmp_path, "{target: $.tags, update: {name: black}}\n{target: $.words, update: three}")
    assert made["tags"][-2:] == [{"name": "blue"}, {"name": "black"}]
    assert made["words"] == ["one", "two", "three"]


def test_entry_may_be_a_list(tmp_path: Path) -> None:
    """It is the entry itself, and not several."""
    assert changed(tmp_path, "{target: $.words, update: [three]}")["words"] == ["one", "two", ["three"]]


def test_lists_inside_of_objects_are_appended_to(tmp_path: Path) -> None:
    """What stands in both as a list is one behind the other."""
    made = changed(tmp_path, "{target: $, update: {words: [three, four]}}")
    assert made["words"] == ["one", "two", "three", "four"]


def test_primitive_is_replaced_in_its_container(tmp_path: Path) -> None:
    """ "To update a primitive property value, select the containing object"; null is one."""
    made = changed(tmp_path, "{target: $.info, update: {title: null}}\n{target: $.info, update: {title: C}}")
    assert made["info"]["title"] == "C"


def test_objects_and_lists_are_removed(tmp_path: Path) -> None:
    """ "The target object or array must be removed from the map or array it is contained in"."""
    made = changed(tmp_path, "{target: $.info.contact, remove: true}\n{target: $.words, remove: true}")
    assert made["info"] == {"title": "A"}
    assert "words" not in made


def test_several_elements_are_removed(tmp_path: Path) -> None:
    """Removing one does not move the others before they are removed."""
    made = changed(tmp_path, "{target: \"$.tags[?@.name != 'green']\", remove: true}")
    assert made["tags"] == [{"name": "green"}]


def test_what_lies_inside_each_other_is_removed(tmp_path: Path) -> None:
    """A target may find a thing and a part of it."""
    made = changed(tmp_path, "{target: '$..[?@.url || @.contact]', remove: true}")
    assert "info" not in made


def test_all_that_is_found_is_updated(tmp_path: Path) -> None:
    """One update applies to each, and no two of them share what it brings."""
    made = changed(
        tmp_path,
        "{target: '$.paths[*].get', update: {words: [z], more: {a: []}}}\n"
        "{target: \"$.paths['/a'].get.more.a\", update: 1}",
    )
    gets = [item["get"] for item in made["paths"].values()]
    assert [get["words"] for get in gets] == [["x", "z"], ["y", "z"]]
    assert [get["more"] for get in gets] == [{"a": [1]}, {"a": []}]


def test_what_is_found_twice_is_updated_once(tmp_path: Path) -> None:
    """RFC 9535 lists a node as often as it is selected."""
    assert changed(tmp_path, "{target: \"$['words', 'words']\", update: three}")["words"][2:] == ["three"]


def test_filters_select(tmp_path: Path) -> None:
    """A rule is said by a filter (RFC 9535, section 2.3.5)."""
    made = changed(tmp_path, "{target: '$.paths[*][?@.deprecated]', update: {x-old: true}}")
    assert [item["get"].get("x-old") for item in made["paths"].values()] == [True, None]


def test_actions_follow_each_other(tmp_path: Path) -> None:
    """ "This enables objects to be deleted in one action and then re-created in a subsequent action"."""
    made = changed(tmp_path, "{target: $.words, remove: true}\n{target: $, update: {words: [three]}}")
    assert made["words"] == ["three"]


def test_document_itself_is_not_touched(tmp_path: Path) -> None:
    """And what was one thing by an alias of YAML is changed in one place only."""
    shared = {"name": "Ada"}
    document = {"a": shared, "b": shared}
    assert changed(tmp_path, "{target: $.a, update: {name: Bob}}", document) == {
        "a": {"name": "Bob"},
        "b": {"name": "Ada"},
    }
    assert shared == {"name": "Ada"}


# What it refuses, each with the line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("info: {title: A, version: 1.0.0}" + TITLE, "1:1: an overlay needs overlay"),
        ("overlay: 1.0.0" + TITLE, "1:1: an overlay needs info"),
        (HEAD, "1:1: an overlay needs actions"),
        (HEAD.replace("1.0.0", "1.1.0", 1) + TITLE, "1:10: overlay must be 1.0.0"),
        (HEAD + "actions: []\n", "3:10: actions must be a list with something in it"),
        (HEAD + "actions: {target: $.info}\n", "3:10: actions must be a list with something in it"),
        (HEAD + "actions: [$.info]\n", "3:11: an action must be a mapping"),
        ("overlay: 1.0.0\ninfo: A" + TITLE, "2:7: info must be a mapping"),
        ("overlay: 1.0.0\ninfo: {title: A}" + TITLE, "2:7: info needs version"),
        (HEAD + "extend: a.yaml" + TITLE, "3:9: an overlay of 1.0.0 has no extend"),
        ("overlay: 1.0.0\ninfo: {title: A, version: '1', summary: B}" + TITLE, "2:41: info of 1.0.0 has no"),
        (HEAD + "actions:\n  - {target: $.info, copy: $.tags}\n", "4:28: an action of 1.0.0 has no copy"),
        (HEAD + "actions:\n  - {target: $.info}\n", "4:5: an action has either update or remove"),
        (HEAD + "actions:\n  - {target: $.info, remove: false}\n", "4:5: an action has either update or"),
        (HEAD + "actions:\n  - {target: $.info, remove: true, update: {}}\n", "4:5: an action has either"),
        (HEAD + "actions:\n  - {target: $.info, remove: 'yes'}\n", "4:30: remove must be true or false"),
        (HEAD + "actions:\n  - {update: {}}\n", "4:5: an action needs target"),
        (HEAD + "actions:\n  - {target: info.title, update: {}}\n", "4:14: info.title is no JSONPath"),
        (HEAD + "actions:\n  - {target: '$.a[?@.b=1]', update: {}}\n", "4:14: $.a[?@.b=1] is no JSONPath"),
        (HEAD + "actions:\n  - {target: 7, update: {}}\n", "4:14: target must be a string"),
        (HEAD + "actions:\n  - {target: [a], update: {}}\n", "4:14: target must be a string"),
        (HEAD + "actions:\n  - {target: $.a, update: &a {x: *a}}\n", "4:27: refers to itself"),
        (
            HEAD + "actions:\n  - {target: '$[?nope(@.a)]', update: {}}\n",
            "4:14: $[?nope(@.a)] is no JSONPath",
        ),
    ],
)
def test_broken_overlay_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """What is no overlay of that version is told with its place."""
    with pytest.raises(BrokenDocument) as caught:
        read_overlay(written(tmp_path, text))
    assert str(caught.value).startswith(f"test.overlay.yaml:{said}")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("{target: $.nobody, update: {a: 1}}", "$.nobody finds nothing"),
        ("{target: '$.tags[?@.name == ''pink'']', remove: true}", "finds nothing"),
        ("{target: $.info.title, update: B}", "$['info']['title'] is neither an object nor a list"),
        ("{target: $.info.title, remove: true}", "$['info']['title'] is neither an object nor a list"),
        ("{target: '$.words[*]', remove: true}", "$['words'][0] is neither an object nor a list"),
        ("{target: $.info, update: B}", "$['info'] is an object, so update must be one"),
        ("{target: $.info, update: [B]}", "$['info'] is an object, so update must be one"),
        ("{target: $, remove: true}", "a document cannot be removed from itself"),
        ("{target: $, update: {info: B}}", "$['info'] is an object and cannot become a value"),
        ("{target: $, update: {info: [B]}}", "$['info'] is an object and cannot become a list"),
        (
            "{target: $.info, update: {title: {a: B}}}",
            "$['info']['title'] is a value and cannot become an obj",
        ),
        ("{target: $, update: {words: {a: B}}}", "$['words'] is a list and cannot become an object"),
    ],
)
def test_impossible_action_is_refused(tmp_path: Path, action: str, said: str) -> None:
    """What does not fit the document is told with the action's place."""
    with pytest.raises(BrokenDocument) as caught:
        changed(tmp_path, "{target: $.info, update: {x-first: true}}\n" + action)
    assert str(caught.value).startswith("test.overlay.yaml:5:5: ")
    assert said in str(caught.value)


def test_extensions_are_kept(tmp_path: Path) -> None:
    """ "This object may be extended": they are for other readers, and do nothing."""
    text = HEAD.replace("A test,", "A test, x-a: 1,") + (
        "x-b: 2\nactions:\n  - {target: $.info, update: {}, x-c: 3}\n"
    )
    overlay = read_overlay(written(tmp_path, text))
    assert overlay.actions[0].extensions == {"x-c": 3}
    assert apply(overlay, DOCUMENT).document == DOCUMENT


def test_overlay_is_for_its_document(tmp_path: Path) -> None:
    """`extends` must name the document that it is applied to."""
    with pytest.raises(BrokenDocument, match=r"^test.overlay.yaml:1:1: extends must be openapi.yaml$"):
        read_v2(written(tmp_path, HEAD + "extends: other.yaml" + TITLE), FIRST, "openapi.yaml")


# The overlay of v2


def test_codegen_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is made from an overlay that does not fit."""
    text = codegen.OVERLAY.read_text(encoding="utf-8").replace("target: $.servers\n", "target: $.hosts\n")
    line = text.partition("target: $.hosts")[0].count("\n") + 1
    monkeypatch.setattr(codegen, "OVERLAY", written(tmp_path, text))
    monkeypatch.setattr(codegen, "write", lambda files, directory: pytest.fail("something was written"))
    assert codegen.main([]) == 1
    assert capsys.readouterr().err == f"test.overlay.yaml:{line}:5: $.hosts finds nothing\n"


@pytest.mark.parametrize(
    ("old", "new", "rule", "said"),
    [
        (
            "      ETag: {$ref",
            "      E-Tag: {$ref",
            rules_of_v2.reads_have_tags,
            "get_me (GET /me): 200 does not declare the header ETag",
        ),
        (
            "{user_id: $response.body#/items/0/id}",
            "{user_id: $response.body#/items/0/x}",
            rules_of_links.links_take_what_is_given,
            "list_users (GET /users): the link user takes $response.body#/items/0/x, which is not there",
        ),
        (
            "status: 412\n          meaning",
            "status: 410\n          meaning",
            rules_of_v2.codes_have_problems,
            "x-problems/precondition_failed: its status is 412",
        ),
    ],
)
def test_result_keeps_to_the_rules(
    old: str, new: str, rule: Rule, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks a rule is told with the action that made it so."""
    monkeypatch.setattr(contract_rules, "STAGES", ((rule,),))
    text = codegen.OVERLAY.read_text(encoding="utf-8")
    assert old in text
    broken = text.replace(old, new, 1)
    made = read_v2(written(tmp_path, broken), FIRST, "openapi.yaml")
    place, _, sentence = next(each for each in v2_document.violations(made) if said in each).partition(
        ": makes of v1 what breaks a rule: "
    )
    assert sentence == said
    actions = broken.partition(new)[0].count("\n  - target: ")
    assert place == made.actions[actions - 1].place


def test_violation_that_no_action_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It then has the place of the overlay itself."""
    monkeypatch.setattr(contract_rules, "STAGES", ((rules_of_operations.limits_are_known,),))
    document = with_changes(SECOND.document, {"x-rate-limits/ws/limit": 0})
    made = SecondVersion(SECOND.overlay, Overlaid(document, SECOND.overlaid.touched, {}))
    assert v2_document.violations(made) == [
        "v2.overlay.yaml:5:1: makes of v1 what breaks a rule: x-rate-limits/ws: needs limit and window_seconds"
    ]


NEW_OPERATION = "get_banner"
BANNER: Mapping[str, Any] = {
    "get": {
        **{name: FIRST["paths"]["/groups/{group_id}"]["get"][name] for name in ("tags", "responses")},
        "operationId": NEW_OPERATION,
        "summary": "Show the banner of a group.",
        "x-rate-limit": {"bucket": "api", "per": "user"},
        "parameters": [{"$ref": "#/components/parameters/GroupIdInPath"}],
    },
    "patch": {
        **FIRST["paths"]["/groups/{group_id}"]["patch"],
        "operationId": "update_banner",
    },
}


def test_new_operation_is_changed_like_the_others() -> None:
    """Targets are rules and no lists of operations: what is added to v1 is right in v2 by itself."""
    link = {"operationId": NEW_OPERATION, "parameters": {"group_id": "$response.body#/id"}}
    changing = {**link, "operationId": "update_banner"}
    place = "paths/~1groups/post/responses/201/links"
    first = with_changes(
        FIRST,
        {
            "paths/~1groups~1{group_id}~1banner": BANNER,
            f"{place}/banner": link,
            f"{place}/change_banner": changing,
        },
    )
    made = SecondVersion(SECOND.overlay, apply(SECOND.overlay, first))
    assert v2_document.violations(made) == []
    read, update = (made.document["paths"]["/groups/{group_id}/banner"][each] for each in ("get", "patch"))
    like_read, like_update = (made.document["paths"]["/groups/{group_id}"][each] for each in ("get", "patch"))
    assert read["responses"] == like_read["responses"]
    assert update["responses"] == like_update["responses"]
    assert read["parameters"][1:] == [{"$ref": "#/components/parameters/IfNoneMatch"}]
    assert update["parameters"][1:] == [{"$ref": "#/components/parameters/IfMatch"}]
    assert read["responses"]["200"]["headers"].keys() == {
        "X-Request-Id",
        "X-Contract",
        "RateLimit-Policy",
        "RateLimit",
        "ETag",
    }


def test_new_list_needs_an_action() -> None:
    """The items of a list cannot be guessed; a rule says that the overlay has to be told of them."""
    schemas = FIRST["components"]["schemas"]
    page = {**schemas["GroupPage"], "required": ["posters", "has_more", "next_cursor"]}
    page["properties"] = {
        ("posters" if name == "groups" else name): each for name, each in page["properties"].items()
    }
    listing = {**FIRST["paths"]["/groups"]["get"], "operationId": "list_posters"}
    answer = {**listing["responses"]["200"], "links": {}}
    answer["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/PosterPage"}}}
    listing["responses"] = {**listing["responses"], "200": answer}
    first = with_changes(FIRST, {"components/schemas/PosterPage": page, "paths/~1posters": {"get": listing}})
    made = apply(SECOND.overlay, first)
    assert list(rules_of_v2.lists_have_items(made.document)) == [
        "list_posters (GET /posters): its list must be called items"
    ]


# What v2 keeps to beside the rules of v1

LIST_MESSAGES = "paths/~1messages/get"
GET_MESSAGE = "paths/~1messages~1{message_id}/get"
EDIT_MESSAGE = "paths/~1messages~1{message_id}/patch"
PROBLEMS = "x-problems"
NOT_FOUND = "components/responses/NotFound/content/application~1problem+json/examples/message/value"
ETAG = {"$ref": "#/components/headers/ETag"}

PLANTED = [
    (
        rules_of_v2.nothing_of_v1_is_left,
        {"components/headers/X-RateLimit-Limit": {}},
        "X-RateLimit- is of v1",
    ),
    (rules_of_v2.nothing_of_v1_is_left, {f"{GET_MESSAGE}/summary": "As /v1 does."}, "summary: /v1 is of v1"),
    (rules_of_v2.nothing_of_v1_is_left, {"components/schemas/ErrorEnvelope": {}}, "ErrorEnvelope is of v1"),
    (
        rules_of_v2.codes_have_problems,
        {f"{PROBLEMS}/gone": GONE},
        "x-problems/gone: is no code, or is not expl",
    ),
    (
        rules_of_v2.codes_have_problems,
        {f"{PROBLEMS}/lost": {}},
        "x-problems/lost: is no code, or is not expl",
    ),
    (rules_of_v2.codes_have_problems, {f"{PROBLEMS}/gone/status": 404}, "x-problems/gone: its status is 410"),
    (
        rules_of_v2.codes_have_problems,
        {f"{PROBLEMS}/gone/remedy": GONE},
        "x-problems/gone: needs meaning, rem",
    ),
    (
        rules_of_v2.codes_have_problems,
        {f"{PROBLEMS}/gone/remedy": "wait"},
        "x-problems/gone: remedy is not a se",
    ),
    (
        rules_of_v2.examples_have_titles,
        {f"{NOT_FOUND}/title": "Lost"},
        "NotFound: title and status are not tho",
    ),
    (
        rules_of_v2.examples_have_titles,
        {f"{NOT_FOUND}/type": "/errors/gone"},
        "NotFound: type must lead to the",
    ),
    (
        rules_of_v2.callers_need_access,
        {f"{GET_MESSAGE}/responses/403": GONE},
        "(GET /messages/{message_id}): nee",
    ),
    (
        rules_of_v2.reads_have_tags,
        {f"{GET_MESSAGE}/responses/304": GONE},
        "must take If-None-Match and answer 3",
    ),
    (
        rules_of_v2.reads_have_tags,
        {f"{GET_MESSAGE}/parameters": []},
        "must take If-None-Match and answer 304",
    ),
    (
        rules_of_v2.reads_have_tags,
        {f"{GET_MESSAGE}/responses/200/headers/ETag": GONE},
        "200 does not declare",
    ),
    (
        rules_of_v2.reads_have_tags,
        {"components/responses/NotModified/headers/ETag": GONE},
        "304 does not decl",
    ),
    (
        rules_of_v2.changes_have_conditions,
        {f"{EDIT_MESSAGE}/responses/412": GONE},
        "take If-Match and answer 4",
    ),
    (
        rules_of_v2.changes_have_conditions,
        {f"{EDIT_MESSAGE}/parameters": []},
        "must take If-Match and answer 4",
    ),
    (
        rules_of_v2.changes_have_conditions,
        {f"{EDIT_MESSAGE}/responses/200/headers/ETag": GONE},
        "200 does not",
    ),
    (
        rules_of_v2.volatile_members_are_read_only,
        {"paths/~1messages~1{message_id}/x-volatile": ["content"]},
        "paths/~1messages~1{message_id}/x-volatile: content can be updated, so it is not volatile",
    ),
    (
        rules_of_v2.volatile_members_are_read_only,
        {"paths/~1messages~1{message_id}/x-volatile": ["weather"]},
        "weather is no member of what is read there",
    ),
    (
        rules_of_v2.momentary_members_are_shown,
        {"paths/~1users/x-momentary": ["weather"]},
        "paths/~1users/x-momentary: weather is no member of what is read there",
    ),
    (
        rules_of_v2.lists_have_items,
        {"components/schemas/MessagePage/properties/news": {"type": "array", "items": ETAG}},
        "list_messages (GET /messages): its list must be called items",
    ),
    (
        rules_of_v2.lists_have_items,
        {"components/schemas/Limits/properties": {"buckets": {"type": "array", "items": ETAG}}},
        "get_limits (GET /limits): its list must be called items",
    ),
]


@pytest.mark.parametrize(("rule", "changes", "said"), PLANTED)
def test_planted_violation_is_told(rule: Rule, changes: Mapping[str, Any], said: str) -> None:
    """Each rule of v2 finds what breaks it."""
    assert any(said in sentence for sentence in rule(with_changes(SECOND.document, changes)))


def test_every_rule_has_a_violation() -> None:
    """And none of them is broken as things are."""
    assert {rule for rule, _, _ in PLANTED} == set(rules_of_v2.RULES)
    assert [sentence for rule in rules_of_v2.RULES for sentence in rule(SECOND.document)] == []
