"""Codes on paper (L): a statement of the city without any device, for a person whom somebody looks at.

Whoever holds the paper can show it, so it never suffices alone: the facts on it are there to be compared with a
document. They are a masked name and the last characters of a number, and nothing else fits in.
"""

from typing import Any

import msgspec

from app.kit.structs import Model
from codes.envelope import base45, cose
from codes.envelope.claims import Claims, Kind, encode_claims, parse_claims, require_issuer_headers
from codes.envelope.cose import Environment, ObjectType, Sign1, external_aad
from codes.envelope.profiles import Signer
from codes.verdict import Reason, Refused

DISPLAY_NAME, DOCUMENT_TAIL = 1, 2
LONGEST_NAME = 40
LONGEST_TAIL = 4


class PaperFacts(Model):
    """What the paper says of its holder: masked, for whoever compares it with a document."""

    display_name: str
    document_tail: str


class UnverifiedPaperCode(Model):
    """A paper code as read; its signature has not been looked at."""

    issuer_message: Sign1
    claims: Claims
    facts: PaperFacts


def facts_of(display_name: str, document_number: str) -> PaperFacts:
    """What of these may stand on paper. `display_name` is masked already; the number loses all but its tail."""
    return PaperFacts(display_name=display_name[:LONGEST_NAME], document_tail=document_number[-LONGEST_TAIL:])


def encode_paper_code(claims: Claims, facts: PaperFacts, signer: Signer, environment: Environment, prefix: str) -> str:
    """The text of the picture. One signature, no I/O."""
    content = {DISPLAY_NAME: facts.display_name, DOCUMENT_TAIL: facts.document_tail}
    payload = encode_claims(msgspec.structs.replace(claims, facts=content))
    aad = external_aad(ObjectType.PAPER_CODE, environment)
    return prefix + base45.encode(cose.cose_sign1_sign(payload, signer, aad=aad))


def is_paper_code(message: Sign1) -> bool:
    """Whether the city itself signed this, which no presentation is."""
    return cose.KEY_ID in message.protected


def paper_code_of(message: Sign1) -> UnverifiedPaperCode:
    """Reads a paper code without believing it; raises `Refused` by reason."""
    require_issuer_headers(message)
    claims = parse_claims(message.payload)
    if claims.kind is not Kind.L:
        raise Refused(Reason.WRONG_CARRIER, "kind on paper")
    if claims.device_key is not None:
        raise Refused(Reason.MALFORMED, "paper code with key")
    return UnverifiedPaperCode(issuer_message=message, claims=claims, facts=_parse_facts(claims.facts))


def _fits(display_name: str, document_tail: str) -> bool:
    return 0 < len(display_name) <= LONGEST_NAME and 0 < len(document_tail) <= LONGEST_TAIL


def _parse_facts(content: Any) -> PaperFacts:
    match content:
        case {1: str(name), 2: str(tail), **more} if not more and _fits(name, tail):
            return PaperFacts(display_name=name, document_tail=tail)
    raise Refused(Reason.MALFORMED, "paper facts")
