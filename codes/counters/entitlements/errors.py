"""Refusals around entitlements."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from app.kit.structs import Text


class NamespaceTaken(Conflict):
    """Another issuer has this namespace."""

    slug = "entitlement-namespace-taken"
    title = Text(zh="该权益命名空间已被使用", en="This namespace belongs to another issuer")
    remedy = Text(zh="请换一个命名空间。", en="Choose another namespace.")


class ScenariosNotEntitling(InvalidRequest):
    """A scenario that does not exist, says nothing of entitlements, or is not among the issuer's."""

    slug = "scenarios-not-entitling"
    title = Text(zh="所列场景不能使用该权益", en="Not scenarios for this entitlement")
    remedy = Text(
        zh="请从 GET /v1/scenarios 中选择披露 entitlements、且登记在该命名空间下的场景，不得重复。",
        en="Choose from GET /v1/scenarios: ones that disclose entitlements and that the issuer is registered for, "
        "each once.",
    )


class IssuerUnknown(NotFound):
    """There is no such issuer, or it is ended."""

    slug = "entitlement-issuer-unknown"
    title = Text(zh="没有这个权益发放单位", en="No such issuer of entitlements")
    remedy = Text(zh="请从发放单位列表中选择。", en="Choose one from the list of issuers.")


class NotYourNamespace(Forbidden):
    """The official's organization may not name entitlements like this."""

    slug = "not-your-namespace"
    title = Text(zh="本单位不能发放该名称的权益", en="Your organization may not name this entitlement")
    remedy = Text(
        zh="请使用登记在本单位名下的命名空间，或联系系统管理员登记。",
        en="Use a namespace that is registered for your organization, or ask an administrator to register one.",
    )


class EntitlementUnknown(NotFound):
    """The organization has assigned no such entitlement."""

    slug = "entitlement-unknown"
    title = Text(zh="没有这项权益", en="No such entitlement")
    remedy = Text(zh="请从本单位的权益列表中选择。", en="Choose one from your organization's list.")
