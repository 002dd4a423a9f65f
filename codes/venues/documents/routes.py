"""The scanner's question about a typed number, and the city's permission to ask it."""

from uuid import UUID

from litestar import Router, delete, get, post, put
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from codes.venues.documents.models import AllowDocuments, DocumentEntry, VerifyDocument
from codes.venues.documents.service import DocumentEntries, TypedDocuments
from codes.venues.scanners.guards import ScannerGate, carry, known_scanner, provide_scanner
from codes.venues.scanners.models import Scanner
from codes.verdict import VerificationResult

city = official("system_admin")
ENTRY = "/v1/scanners/{scanner_id:uuid}/document-entry"


@post(
    "/v1/verifications/documents",
    guards=[known_scanner],
    status_code=HTTP_200_OK,
    summary="Verify a document whose number staff typed",
    description="The last step before paper, for who can show no code. Signed like every scan; needs the city's "
    "permission for this device and scenario, and `holder_checked`. Few numbers an hour, right ones too.",
    dependencies={"scanner": Provide(provide_scanner, sync_to_thread=False)},
)
async def verify_document(
    data: JSONBody[VerifyDocument],
    scanner: Injected[Scanner],
    connection: Injected[Connection],
    typed_documents: Injected[TypedDocuments],
) -> VerificationResult:
    """One verdict, durable before it is told; `kind` is `document`."""
    return await typed_documents.verify(connection, scanner, data)


@put(ENTRY, guards=[city], summary="Allow a scanner's staff to type document numbers")
async def allow_documents(
    *,
    scanner_id: FromPath[UUID],
    data: JSONBody[AllowDocuments],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    document_entries: Injected[DocumentEntries],
) -> DocumentEntry:
    """In these of its scenarios, in place of an earlier permission."""
    return await once(DocumentEntry, lambda: document_entries.allow(connection, principal, scanner_id, data))


@get(ENTRY, guards=[city], summary="Whether a scanner's staff may type document numbers")
async def read_document_entry(
    scanner_id: FromPath[UUID], connection: Injected[Connection], document_entries: Injected[DocumentEntries]
) -> DocumentEntry:
    """The permission, also one that has ended."""
    return await document_entries.read(connection, scanner_id)


@delete(ENTRY, guards=[city], status_code=HTTP_200_OK, summary="Take the permission to type documents back")
async def end_document_entry(
    *,
    scanner_id: FromPath[UUID],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    document_entries: Injected[DocumentEntries],
) -> DocumentEntry:
    """At once, on every worker."""
    return await once(DocumentEntry, lambda: document_entries.end(connection, principal, scanner_id))


def document_router(typed_documents: TypedDocuments, document_entries: DocumentEntries, gate: ScannerGate) -> Router:
    """The scanner's and the administrators' routes."""
    return Router(
        path="/",
        route_handlers=[verify_document, allow_documents, read_document_entry, end_document_entry],
        dependencies={
            "typed_documents": Provide(lambda: typed_documents, sync_to_thread=False),
            "document_entries": Provide(lambda: document_entries, sync_to_thread=False),
        },
        opt=carry(gate),
        tags=["codes: verification"],
    )
