"""Refusals around scanners. None of them says what was wrong with a signature: that stands in the log."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unauthenticated
from app.kit.structs import Text


class ScannerSignatureInvalid(Unauthenticated):
    """The request carries no signature of an enrolled scanner that holds."""

    slug = "scanner-signature-invalid"
    title = Text(zh="扫码设备签名无效", en="The scanner's signature is not valid")
    remedy = Text(
        zh="请用登记的设备密钥对 @method、@authority、@path、@query、content-digest 签名（RFC 9421），并校准设备时间。",
        en="Sign @method, @authority, @path, @query and content-digest with the enrolled key (RFC 9421), "
        "and set the device's clock.",
    )


class ScannerNotRegistered(Forbidden):
    """The scanner's registration has ended, or its organization is not active now."""

    slug = "scanner-not-registered"
    title = Text(zh="扫码设备登记已失效", en="The scanner's registration is not in force")
    remedy = Text(
        zh="请由管理员重新登记设备；所属单位停业期间不能扫码。",
        en="Ask an administrator to enrol the device anew; while its organization is not active, it cannot ask.",
    )


class ScannersOfAnotherOrganization(Forbidden):
    """A scanner administrator looks after the devices of their own organization."""

    slug = "scanners-of-another-organization"
    title = Text(zh="不是本单位的扫码设备", en="Scanners of another organization")
    remedy = Text(
        zh="请由该单位的扫码设备管理员或系统管理员办理。",
        en="That organization's scanner administrator can do it, or a system administrator.",
    )


class ScannerUnknown(NotFound):
    """There is no such scanner."""

    slug = "scanner-unknown"
    title = Text(zh="扫码设备不存在", en="No such scanner")
    remedy = Text(zh="请检查设备编号。", en="Check the scanner's id.")


class ScannerKeyInUse(Conflict):
    """This key was enrolled before, perhaps for a device that is gone."""

    slug = "scanner-key-in-use"
    title = Text(zh="该设备密钥已登记过", en="This key was enrolled before")
    remedy = Text(zh="请让设备生成新的密钥。", en="Let the device make a new key.")


class ScannerProofInvalid(InvalidRequest):
    """The key, or the proof that the device holds it, is not what it has to be."""

    slug = "scanner-proof-invalid"
    title = Text(zh="设备密钥证明无效", en="The proof of the device's key is not valid")
    remedy = Text(
        zh="请由设备用其 P-256 密钥重新签名：typ 为 suishen-scanner+jwt，aud 为本站地址，organization_id 同请求。",
        en="Let the device sign a new proof with its P-256 key: typ suishen-scanner+jwt, aud this origin, "
        "organization_id as in the request.",
    )


class ScannerScenariosInvalid(InvalidRequest):
    """A scanner is enrolled for known scenarios, each once, and none where nobody scans a code for a verdict."""

    slug = "scanner-scenarios-invalid"
    title = Text(zh="登记的用码场景无效", en="The scenarios cannot be enrolled")
    remedy = Text(zh="请从 GET /v1/scenarios 选择场景编号，不得重复。", en="Choose numbers from GET /v1/scenarios.")


class ScannerTermsInvalid(InvalidRequest):
    """Terms narrow one of the scanner's own scenarios, each once, and never widen it."""

    slug = "scanner-terms-invalid"
    title = Text(zh="登记的用码范围无效", en="The terms of the registration are not valid")
    remedy = Text(
        zh="terms 只能缩小披露范围：场景须在 scenarios 之内且不重复，attributes 须在该场景 discloses 之内。",
        en="Terms only narrow: a scenario out of `scenarios`, each once, with attributes out of its `discloses`.",
    )
