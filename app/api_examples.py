"""One example of every request body, for the API reference. All of it is synthetic; a test reads each one strictly."""

from datetime import date
from typing import Any, Final

from auth.documents import make_synthetic_credit_code, make_synthetic_id_number

ID: Final = "0198c0de-0000-7000-8000-000000000001"
OTHER_ID: Final = "0198c0de-0000-7000-8000-000000000002"
JWS: Final = "eyJ0eXAiOiJleGFtcGxlIn0.e30.c2lnbmF0dXJl"
KEY: Final = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
CREDIT_CODE: Final = make_synthetic_credit_code(sequence=1)
NAMED_HOLDER: Final = {
    "name": "演示用户一",
    "document_type": "id_card",
    "document_number": make_synthetic_id_number(birth=date(1990, 3, 15), sequence=1),
}

ASSERTION: Final = {
    "id": "u8Vg3mF0cWkqS2dEJxT5yQ",
    "rawId": "u8Vg3mF0cWkqS2dEJxT5yQ",
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
        "signature": "MEUCIQDexample",
        "userHandle": "1sgCkzrCZHR1bTJvGhJqOfVGlSLqeyYJtV0Qf_8cWgw",
    },
}
ATTESTATION: Final = {
    "id": "u8Vg3mF0cWkqS2dEJxT5yQ",
    "rawId": "u8Vg3mF0cWkqS2dEJxT5yQ",
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
        "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA",
    },
}
NAMED_ELDER: Final = {
    "name": "王𠂉",
    "document_type": "id_card",
    "document_number": make_synthetic_id_number(birth=date(1966, 3, 15), sequence=8),
}
NAMED_CHILD: Final = {
    "name": "演示小朋友",
    "document_type": "id_card",
    "document_number": make_synthetic_id_number(birth=date(2018, 3, 15), sequence=21),
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "RequestCode": {"phone": "19900000001"},
    "RedeemCode": {"challenge_id": ID, "code": "123456"},
    "ScanPicture": {"secret": "u8Vg3mF0cWkqS2dEJxT5yQbZ1oLnRhApKfCiXsYtDwM"},
    "LaunchApp": {
        "app_id": "cn.example.library",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "scopes": ["openid", "library.card"],
    },
    "AnswerLaunch": {
        "part": "openid",
        "text_version": "396c00555fb67668f7c41d",
        "agreed": ["library.card"],
        "goes_on": True,
    },
    "NameSession": {"name": "家里的电脑"},
    "NameDevice": {"name": "旧手机"},
    "VerifyRealName": {
        "name": "演示用户一",
        "document_type": "id_card",
        "document_number": make_synthetic_id_number(birth=date(1990, 3, 15), sequence=1),
    },
    "PublicJwk": KEY,
    "EnrollDevice": {"name": "我的手机", "public_key": KEY, "proof": JWS},
    "Assertion": ASSERTION,
    "AssertionResponse": ASSERTION["response"],
    "Attestation": ATTESTATION,
    "AttestationResponse": ATTESTATION["response"],
    "SignInWithPasskey": {"credential": ASSERTION},
    "EnrolPasskey": {"name": "我的电脑", "credential": ATTESTATION},
    "RenamePasskey": {"name": "家里的电脑"},
    "StepUpByCode": {"challenge_id": ID, "code": "123456"},
    "StepUpByDevice": {"proof": JWS},
    "StepUpByPasskey": {"credential": ASSERTION},
    "StepUpByTotp": {"totp": "123456"},
    "AskForNumber": {"phone": "19900000002"},
    "AttachPhone": {"challenge_id": ID, "code": "123456", "label": "爷爷"},
    "AttachAtCounter": {
        "holder": NAMED_HOLDER,
        "challenge_id": ID,
        "code": "123456",
        "holder_checked": True,
        "in_place_of_others": True,
    },
    "DisownAccount": {"challenge_id": ID, "code": "123456"},
    "ClaimOrganization": {"credit_code": CREDIT_CODE},
    "SignInWithPassword": {"username": "demo-admin", "password": "correct-horse-battery", "totp": "123456"},
    "RegisterDepartment": {"name": "演示市博物馆", "credit_code": make_synthetic_credit_code(sequence=7)},
    "RegisterOfficial": {
        "username": "demo-reviewer",
        "name": "演示人员",
        "password": "correct-horse-battery",
        "organization_id": ID,
        "roles": ["reviewer"],
    },
    "AddChild": {
        "name": "演示小朋友",
        "document_type": "id_card",
        "document_number": make_synthetic_id_number(birth=date(2018, 3, 15), sequence=21),
    },
    "SetPreferences": {
        "language": "zh",
        "urgent_by": "voice",
        "important_by": "sms",
        "quiet_from": "21:30",
        "quiet_until": "07:00",
    },
    "ReadUpTo": {"newest": ID},
    "SendReceipt": {"message_id": ID, "vendor": "sms-1", "token": "u8Vg3mF0cWkqS2dEJxT5yQ", "status": "delivered"},
    "InviteContact": {"phone": "19900000002", "told_of": "urgent"},
    "DecideInvitation": {"decision": "accepted"},
    "OfferMandate": {
        "kind": "proxy",
        "agent": NAMED_HOLDER,
        "scope": {"items": ["residence-permit"], "scenarios": [501], "apps": []},
        "lasts_seconds": 30 * 86_400,
    },
    "OfferStaffMandate": {
        "kind": "agent",
        "agent": NAMED_HOLDER,
        "role": "前厅经理",
        "scope": {"items": ["enterprise-codes"], "scenarios": [], "apps": []},
        "lasts_seconds": 365 * 86_400,
    },
    "DecideOffer": {"decision": "declined"},
    "SayOwnWord": {"word": "agreed"},
    "DecideConfirmation": {"decision": "declined"},
    "AppointHelper": {"person": NAMED_HOLDER, "kind": "volunteer", "days": 30},
    "RecordMandate": {
        "kind": "family",
        "principal": NAMED_ELDER,
        "agent": NAMED_HOLDER,
        "reference": "演示-2026-001",
        "lasts_seconds": 365 * 86_400,
        "documents_checked": True,
    },
    "EndMandate": {"kind": "family", "principal": NAMED_ELDER, "agent": NAMED_HOLDER, "documents_checked": True},
    "StopGuardians": {"ward": NAMED_CHILD, "documents_checked": True},
    "SettleCustody": {"ward": NAMED_CHILD, "guardians": [NAMED_HOLDER], "documents_checked": True},
    "AskCorrection": {
        "field": "birth_date",
        "claimed": "1990-03-16",
        "explanation": "户口簿上的出生日期是十六日",
    },
    "GrantConsent": {
        "department_id": ID,
        "purpose": "library-card",
        "fields": ["full_name"],
        "text_version": "2026-01",
        "expires_in_days": 365,
    },
    "IssueGrants": {"request": JWS, "device_id": ID},
    "RevokeCodes": {"device_id": ID},
    "FreezeCodes": {
        "name": "演示用户一",
        "document_type": "id_card",
        "document_number": make_synthetic_id_number(birth=date(1990, 3, 15), sequence=1),
        "reason": "loss",
        "explanation": "本人到窗口挂失手机",
    },
    "LiftFreeze": {"because": "本人已找回手机", "holder_checked": True},
    "AppealFreeze": {"statement": "手机一直在我手上，没有遗失。"},
    "DecideAppeal": {"decision": "upheld", "because": "以法院裁定为准"},
    "RegisterIssuer": {"organization_id": ID, "namespace": "museum", "scenarios": [303]},
    "AssignEntitlement": {
        "openid": "1sgCkzrCZHR1bTJvGhJqOfVGlSLqeyYJtV0Qf_8cWgw",
        "name": "library.reader",
        "valid_days": 365,
        "scenarios": [301],
    },
    "RedeemTicket": {
        "ticket": "u8Vg3mF0cWkqS2dEJxT5yQbZ1oLnRhApKfCiXsYtDwM",
        "title": "居住证办理申请表",
        "fields": ["full_name", "id_number"],
        "request_id": "counter-3-000001",
    },
    "DecideForm": {"decision": "confirmed"},
    "IssueOnlineCode": {"hours": 24},
    "IssuePaperCode": {"days": 180},
    "NamedHolder": NAMED_HOLDER,
    "IssueAtCounter": {"holder": NAMED_HOLDER, "holder_checked": True, "days": 180},
    "VoidAtCounter": {"holder": NAMED_HOLDER, "holder_checked": True},
    "VerifyDocument": {
        "document_number": make_synthetic_id_number(birth=date(1990, 3, 15), sequence=1),
        "scenario": 301,
        "holder_checked": True,
        "request_id": "desk-2-000001",
    },
    "AllowDocuments": {"scenarios": [301], "legal_basis": "《演示市图书馆条例》第九条"},
    "UploadLog": {
        "entries": [
            {
                "entry_id": "gate-7-000002",
                "code": "SSM1:EXAMPLE",
                "scenario": 301,
                "scanned_at": "2026-03-02T12:00:00Z",
                "verdict": "ACCEPT",
                "reason": "OK",
            }
        ]
    },
    "FileComplaint": {"verification_id": ID, "concern": "asked_too_much", "text": "入馆不需要手机号"},
    "AnswerComplaint": {"text": "已核实，该馆今后不再询问手机号。"},
    "ProposeDeferral": {
        "scanner_id": ID,
        "scenario": 601,
        "legal_basis": "《刑事诉讼法》第一百五十二条",
        "days": 7,
    },
    "DecideDeferral": {"approve": True},
    "VerifyCode": {"code": "SS1:EXAMPLE", "scenario": 301, "request_id": "gate-7-000001"},
    "Site": {"name": "总馆东门", "address": "演示路1号"},
    "EnrolScanner": {
        "organization_id": ID,
        "site": {"name": "总馆东门", "address": "演示路1号"},
        "device_name": "东门一号",
        "scenarios": [301],
        "terms": [{"scenario": 301, "attributes": ["entitlements"], "basis": "《公共图书馆法》第四十四条"}],
        "public_key": KEY,
        "proof": JWS,
    },
    "EnrolTerms": {"scenario": 301, "attributes": ["entitlements"], "basis": "《公共图书馆法》第四十四条"},
    "AppointOperator": {"organization_id": ID, "number": "A-017"},
    "SignOn": {"number": "A-017", "pin": "123456"},
    "CreateInspection": {
        "scenario": 804,
        "purpose": "双随机一公开抽查",
        "authority": "《中华人民共和国消防法》第五十三条",
        "credit_code": CREDIT_CODE,
        "hours": 4,
    },
    "ChecklistItem": {"text": "疏散通道是否畅通", "kind": "look"},
    "JoinInspection": {"scenario": 803, "authority": "《中华人民共和国安全生产法》第六十五条"},
    "ScanInspectionCode": {"code": "HTTP://127.0.0.1:8000/1/EXAMPLE"},
    "StateShown": {"reason": "店内无经办人，已向值班人员出示"},
    "RateInspection": {"department_id": ID, "conduct": 5, "necessity": 4, "remarks": ["explained_well"]},
    "Audience": {"credit_codes": [CREDIT_CODE]},
    "WritePush": {
        "template": "hazard-reminder",
        "values": {"subject": "疏散通道堆放杂物", "deadline": "12 月 31 日"},
        "audience": {"credit_codes": [CREDIT_CODE]},
    },
    "DescribeSubject": {"zone": "190000", "industry": "H62"},
    "CheckEnterprise": {"code": "http://127.0.0.1:8000/1/EXAMPLE", "scenario": 804, "inspection_id": ID},
    "IssueCode": {"label": "前台", "valid_days": 365},
    "RegisterPlace": {
        "site": {"name": "总馆东门", "address": "演示路1号"},
        "label": "三号电梯",
        "scenarios": [951],
        "valid_days": 365,
    },
    "RegisterApp": {"app_id": "cn.example.museum"},
    "SuspendApp": {
        "reason": {"zh": "系统维护", "en": "Maintenance"},
        "fallback": {"zh": "请到总馆服务台办理", "en": "Visit the desk of the main library"},
    },
    "ResumeApp": {"reason": {"zh": "维护完成", "en": "Maintenance is over"}},
    "WriteReview": {"verdict": "approved", "reason": "材料齐全，域名与备案一致。", "manifest_hash": "0" * 64},
    "PublishVersion": {"version_code": 1},
}
