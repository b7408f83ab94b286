"""What a document must keep to before anything is made from it.

A rule is a function that takes the document and yields a sentence for each place where it is broken, the
place first. Each has a test that plants a violation. The rules come in stages, because a rule may rely on
what those before it found in order: that references lead somewhere, that it is OpenAPI, that the schemas are
such as the server can compile.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator

from scripts import rules_of_examples, rules_of_links, rules_of_operations, rules_of_schemas, rules_of_v2
from scripts.specification import resolvable, walk
from scripts.versions import V2, version_of

Document = Mapping[str, Any]
Rule = Callable[[Document], Iterator[str]]


def references_resolve(document: Document) -> Iterator[str]:
    """Only references inside of the document are known: it is published as one file."""
    for place, node in walk(document):
        if isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and "/example" not in place:
            if not resolvable(document, node["$ref"]):
                yield f"{place}: there is no {node['$ref']}"
            elif len(node) > 1:
                yield f"{place}: what stands beside $ref is ignored by every reader"


def document_is_openapi(document: Document) -> Iterator[str]:
    if document.get("openapi") != "3.0.3":
        yield "openapi: must be 3.0.3, which is what Connexion understands"
    for error in OpenAPIV30SpecValidator(dict(document)).iter_errors():
        # Errors of the document's structure know their place, others say it in their sentence.
        path = "/".join(str(step) for step in getattr(error, "absolute_path", ()))
        yield f"{path or 'document'}: {getattr(error, 'message', error)}"


STAGES: tuple[tuple[Rule, ...], ...] = (
    (references_resolve,),
    (document_is_openapi,),
    (*rules_of_schemas.RULES,),
    (*rules_of_operations.RULES, *rules_of_links.RULES, *rules_of_examples.RULES),
)


def violations(document: Document) -> list[str]:
    """Return a sentence for everything that is wrong, of the first stage that finds something."""
    stages = (*STAGES, rules_of_v2.RULES) if version_of(document) is V2 else STAGES
    for rules in stages:
        found = [sentence for rule in rules for sentence in rule(document)]
        if found:
            return found
    return []
